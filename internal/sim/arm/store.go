package arm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// resource is one stored document.
type resource struct {
	id       resourceID
	document map[string]any
	// view is served under <id>/instanceView, for virtual machines.
	view map[string]any
}

const groupKind = "Microsoft.Resources/resourceGroups"

// Add stores a resource. The document needs id, name, type and location, as a
// GET would show them.
func (s *Server) Add(document map[string]any) error {
	document, err := plain(document)
	if err != nil {
		return err
	}
	id, _ := document["id"].(string)
	parsed, ok := parseID(id)
	if !ok {
		return fmt.Errorf("add resource: %q is no resource id", id)
	}
	if document["name"] == nil {
		document["name"] = parsed.name[strings.LastIndex(parsed.name, "/")+1:]
	}
	if document["type"] == nil {
		document["type"] = parsed.kind
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(&resource{id: parsed, document: document})
	return nil
}

// AddGroup stores a resource group.
func (s *Server) AddGroup(subscription, name, location string, tags map[string]string) {
	document, _ := plain(map[string]any{
		"id": groupScope(subscription, name), "name": name, "type": groupKind, "location": location,
		"tags": tags, "properties": map[string]any{"provisioningState": "Succeeded"},
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(&resource{id: resourceID{subscription: subscription, group: name, kind: groupKind, name: name}, document: document})
}

// SetInstanceView gives a virtual machine its run-time state.
func (s *Server) SetInstanceView(id string, view map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.resources[strings.ToLower(id)]; ok {
		r.view = view
	}
}

// Remove deletes a resource, as its owner might behind a client's back.
func (s *Server) Remove(id string) { s.remove(id, true) }

func (s *Server) remove(id string, byHand bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := strings.ToLower(id)
	delete(s.gateways, key)
	if r, ok := s.resources[key]; ok {
		delete(s.resources, key)
		s.order = slices.DeleteFunc(s.order, func(other *resource) bool { return other == r })
		s.tell(id, byHand)
	}
}

// Document is a copy of what a GET would answer; nil if there is none.
func (s *Server) Document(id string) map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.resources[strings.ToLower(id)]; ok {
		return clone(r.document)
	}
	return nil
}

// Edit changes a stored document behind the clients' backs; a gateway gets a
// new ETag.
func (s *Server) Edit(id string, change func(document map[string]any)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.resources[strings.ToLower(id)]
	if !ok {
		return false
	}
	change(r.document)
	s.tell(id, true)
	if _, isGateway := s.gateways[strings.ToLower(id)]; isGateway {
		stamp(r.document)
	}
	return true
}

// put stores under the lock.
func (s *Server) put(r *resource) {
	id, _ := r.document["id"].(string)
	key := strings.ToLower(id)
	if old, ok := s.resources[key]; ok {
		old.document = r.document
		s.tell(id, false)
		return
	}
	s.resources[key] = r
	s.order = append(s.order, r)
	s.tell(id, false)
}

// decode reads one JSON object and keeps numbers as they are written.
func decode(body []byte) (map[string]any, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var out map[string]any
	if err := decoder.Decode(&out); err != nil {
		return nil, err
	}
	if decoder.More() {
		return nil, fmt.Errorf("there is something after the object")
	}
	return out, nil
}

// plain turns any Go value into the tree that decode makes.
func plain(v any) (map[string]any, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode document: %w", err)
	}
	return decode(body)
}

func clone(document map[string]any) map[string]any {
	out, err := plain(document)
	if err != nil {
		panic(err) // it came from JSON
	}
	return out
}
