package arm

import (
	"encoding/base64"
	"net/http"
)

const storageKind = "microsoft.storage/storageaccounts"

// listStorageKeys answers an account's keys.
// Source: Azure REST reference, Storage Accounts - List Keys; "Lock your
// resources": a read-only lock forbids it, since it is a POST.
func (s *Server) listStorageKeys(w http.ResponseWriter, c call, id resourceID, full string) *failure {
	if _, f := s.find(c, id, full, "/listKeys/action"); f != nil {
		return f
	}
	s.mu.Lock()
	f := s.locked(full, "ReadOnly")
	s.mu.Unlock()
	if f != nil {
		return f
	}
	if s.o.StorageKeys == nil {
		return notFoundResource(id)
	}
	keys, ok := s.o.StorageKeys(id.name)
	if !ok {
		return notFoundResource(id)
	}
	list := []any{}
	for i, key := range keys {
		list = append(list, map[string]any{"keyName": "key" + itoa(i+1), "value": base64.StdEncoding.EncodeToString(key), "permissions": "FULL"})
	}
	answer(w, http.StatusOK, map[string]any{"keys": list})
	return nil
}
