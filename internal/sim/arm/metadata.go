package arm

import "net/http"

// metadata describes the cloud to clients that know only its ARM endpoint.
// The shape depends on the version: before 2018 one object of flat endpoints,
// until 2020 a list of clouds, then one cloud.
// Source: go-autorest and Azure CLI "cloud register", which read these.
func (s *Server) metadata(w http.ResponseWriter, c call) *failure {
	cloud := s.o.Cloud
	authentication := map[string]any{"loginEndpoint": "https://" + cloud.Login + "/", "audiences": cloud.Audiences, "tenant": "common", "identityProvider": "AAD"}
	full := map[string]any{
		"name": cloud.Name, "portal": cloud.Portal, "resourceManager": "https://" + cloud.Host + "/", "authentication": authentication,
		"graph": cloud.Graph, "gallery": cloud.Gallery, "microsoftGraphResourceId": "https://graph.microsoft.com/", "graphAudience": cloud.Graph,
		"suffixes": map[string]any{"keyVaultDns": cloud.VaultSuffix, "storage": cloud.BlobSuffix},
	}
	switch {
	case c.version == "":
		return fail(http.StatusBadRequest, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests.")
	case c.version < "2018":
		answer(w, http.StatusOK, map[string]any{"galleryEndpoint": cloud.Gallery, "graphEndpoint": cloud.Graph, "portalEndpoint": cloud.Portal, "authentication": authentication})
	case c.version < "2021":
		answer(w, http.StatusOK, []any{full})
	default:
		answer(w, http.StatusOK, full)
	}
	return nil
}
