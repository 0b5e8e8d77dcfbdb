package arm

import "net/http"

// metadata describes the cloud to clients that know only its ARM endpoint.
// The shape depends on the version: before 2018 one object of flat endpoints,
// until 2020 a list of clouds, then one cloud.
// Source: go-autorest and Azure CLI "cloud register", which read these.
func (s *Server) metadata(w http.ResponseWriter, c call) *failure {
	cloud := s.o.Cloud
	switch {
	case c.version == "":
		return fail(http.StatusBadRequest, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests.")
	case c.version < "2018":
		answer(w, http.StatusOK, map[string]any{"galleryEndpoint": cloud.Gallery, "graphEndpoint": cloud.Graph, "portalEndpoint": cloud.Portal, "authentication": cloud.authentication()})
	case c.version < "2021":
		list := []any{cloud.document()}
		for _, other := range s.o.OtherClouds {
			list = append(list, other.document())
		}
		answer(w, http.StatusOK, list)
	default:
		answer(w, http.StatusOK, cloud.document())
	}
	return nil
}

func (cloud Cloud) authentication() map[string]any {
	return map[string]any{"loginEndpoint": "https://" + cloud.Login + "/", "audiences": cloud.Audiences, "tenant": "common", "identityProvider": "AAD"}
}

func (cloud Cloud) document() map[string]any {
	return map[string]any{
		"name": cloud.Name, "portal": cloud.Portal, "resourceManager": "https://" + cloud.Host + "/", "authentication": cloud.authentication(),
		"graph": cloud.Graph, "gallery": cloud.Gallery, "microsoftGraphResourceId": cloud.MicrosoftGraph, "graphAudience": cloud.Graph,
		"suffixes": map[string]any{"keyVaultDns": cloud.VaultSuffix, "storage": cloud.BlobSuffix},
	}
}
