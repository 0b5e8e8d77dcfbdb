package machine

import (
	"errors"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/arcgis"
)

// One server that the portal cannot validate hides none of the others; that the
// portal itself was not reached is no judgement of anybody.
func TestWhatIsNoValidation(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		got    arcgis.Validation
		err    error
		status string // "" for an error
	}{
		"success":              {arcgis.Validation{Status: arcgis.Success}, nil, arcgis.Success},
		"with warnings":        {arcgis.Validation{Status: arcgis.WithWarnings}, nil, arcgis.WithWarnings},
		"failure":              {arcgis.Validation{Status: arcgis.Failure}, nil, arcgis.Failure},
		"the portal says no":   {arcgis.Validation{}, &arcgis.Error{Code: arcgis.CodeRefused, Messages: []string{"no"}}, arcgis.Undetermined},
		"the server is gone":   {arcgis.Validation{}, &arcgis.Error{Code: arcgis.CodeNotFound}, arcgis.Undetermined},
		"a page":               {arcgis.Validation{}, &arcgis.Error{Code: arcgis.CodeNotJSON}, ""},
		"no answer":            {arcgis.Validation{}, &arcgis.Error{Code: arcgis.CodeUnreachable}, ""},
		"not an administrator": {arcgis.Validation{}, &arcgis.Error{Code: arcgis.CodeForbidden}, ""},
		"something else":       {arcgis.Validation{}, errors.New("else"), ""},
	} {
		got, err := judged("x", test.got, test.err)
		if (err != nil) != (test.status == "") || got.Status != test.status {
			t.Errorf("%s: %q, %v", name, got.Status, err)
		}
	}
}
