package evidence

import (
	"encoding/json"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/handshake"
)

// The forms in which the journal has what was seen; see rotation.Proof.
type (
	sitesForm struct {
		PortalURL     string `json:"portalUrl"`
		ServerURL     string `json:"serverUrl"`
		PortalVersion string `json:"portalVersion"`
		PortalTrouble string `json:"portalTrouble"`
		ServerTrouble string `json:"serverTrouble"`
		Federation    []struct {
			Server     struct{ Name, URL string } `json:"server"`
			Validation struct {
				Status   string   `json:"status"`
				Messages []string `json:"messages"`
			} `json:"validation"`
			Trouble string `json:"trouble"`
		} `json:"federation"`
	}
	proofForm struct {
		OK       bool                    `json:"ok"`
		Failures []string                `json:"failures"`
		Wire     []handshake.Observation `json:"wire"`
		Backends []Backend               `json:"backends"`
		Sites    sitesForm               `json:"sites"`
		Looks    int                     `json:"looks"`
		Expected []struct {
			Target     string   `json:"target"`
			Address    string   `json:"address"`
			ServerName string   `json:"serverName"`
			Leaves     []string `json:"leaves"`
		} `json:"expected"`
	}
	machineForm struct {
		Name   string `json:"name"`
		Report *struct {
			Components []struct {
				Product     string   `json:"product"`
				Port        int      `json:"port"`
				Chain       [][]byte `json:"chain"`
				Protocol    string   `json:"protocol"`
				WireTrouble string   `json:"wireTrouble"`
				Role        string   `json:"role"`
				Version     string   `json:"version"`
				Healthy     bool     `json:"healthy"`
				Alias       string   `json:"alias"`
				Trouble     string   `json:"trouble"`
			} `json:"components"`
		} `json:"report"`
		Trouble string `json:"trouble"`
	}
	validatedForm struct {
		Name     string   `json:"name"`
		Status   string   `json:"status"`
		Messages []string `json:"messages"`
	}
	validationsForm struct {
		Federation []validatedForm `json:"federation"`
		Stores     []validatedForm `json:"stores"`
	}
)

// plan is what evidence wants to know of a plan, of either kind.
type plan struct {
	Kind   string `json:"kind"`
	Source string `json:"source"`
	Steps  []struct {
		Kind string `json:"kind"`
	} `json:"steps"`
	Certificate struct {
		SHA256 string `json:"sha256"`
	} `json:"certificate"`
	Moves []struct {
		ToLeaf string `json:"toLeaf"`
	} `json:"moves"`
	Ports []struct {
		Machine string `json:"machine"`
		Port    int    `json:"port"`
		SHA256  string `json:"sha256"`
	} `json:"ports"`
}

func planOf(data json.RawMessage) plan {
	var p plan
	_ = json.Unmarshal(data, &p) // what cannot be read is empty, and said to be
	return p
}

func (p plan) about() string {
	if p.Kind == "internal" {
		return "internal"
	}
	return "external"
}

func (p plan) command() string {
	switch {
	case len(p.Steps) > 0 && p.Steps[0].Kind == "clean":
		return "clean"
	case p.Source == "back" || strings.HasPrefix(p.Source, "run "):
		return "undo"
	}
	return "apply"
}

func (v validationsForm) list() []Validation {
	var list []Validation
	for _, one := range v.Federation {
		list = append(list, Validation{"federated server", one.Name, "", one.Status, orNone(one.Messages)})
	}
	for _, one := range v.Stores {
		list = append(list, Validation{"data store", one.Name, "", one.Status, orNone(one.Messages)})
	}
	return list
}

// phrases are a list of sentences; what is no sentence stands there as it is.
type phrases []string

func (p *phrases) UnmarshalJSON(data []byte) error {
	var items []json.RawMessage
	if err := json.Unmarshal(data, &items); err != nil {
		return err
	}
	*p = nil
	for _, item := range items {
		var sentence string
		if json.Unmarshal(item, &sentence) != nil {
			sentence = string(item)
		}
		*p = append(*p, sentence)
	}
	return nil
}

func orNone[T any, L ~[]T](list L) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func orNull(data json.RawMessage) json.RawMessage {
	if len(data) == 0 {
		return json.RawMessage("null")
	}
	return data
}
