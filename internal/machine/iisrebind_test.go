package machine

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// httpSys is one binding of HTTP.sys, for what netsh may refuse.
type httpSys struct {
	hash     string            // bound, "" for nothing
	store    map[string]string // where certificates are, by hash
	unknown  string            // an option that this netsh does not know
	noUpdate bool
	deleted  func() // is called when the binding is deleted
}

func (s *httpSys) run(_ string, args []string) (string, string, int, error) {
	given := map[string]string{"certstorename": "MY"} // the default
	for _, arg := range args[3:] {
		name, value, _ := strings.Cut(arg, "=")
		given[name] = value
	}
	_, odd := given[s.unknown]
	switch args[1] {
	case "delete":
		s.hash = ""
		if s.deleted != nil {
			s.deleted()
		}
	case "update", "add":
		if odd || args[1] == "update" && s.noUpdate || s.store[given["certhash"]] != given["certstorename"] {
			return "The parameter is incorrect.\n", "", 1, nil
		}
		s.hash = given["certhash"]
	}
	return "", "", 0, nil
}

// Whatever netsh refuses, and whoever gives up, a binding has a certificate in the end.
func TestABindingIsNeverLeftWithoutACertificate(t *testing.T) {
	t.Parallel()
	old, next := strings.Repeat("a", 40), strings.Repeat("b", 40)
	for name, row := range map[string]struct {
		sys   httpSys
		want  string
		ended bool // the caller gives up between deleting and adding
	}{
		"an option that netsh does not know":     {httpSys{store: map[string]string{old: "MY", next: "MY"}, unknown: "disablequic"}, next, false},
		"the same, before Windows Server 2016":   {httpSys{store: map[string]string{old: "MY", next: "MY"}, unknown: "disablequic", noUpdate: true}, next, false},
		"the new one is not there":               {httpSys{store: map[string]string{old: "MY"}}, old, false},
		"the same, and the old in another store": {httpSys{store: map[string]string{old: "WebHosting"}, noUpdate: true}, old, false},
		"the caller gives up":                    {httpSys{store: map[string]string{old: "MY", next: "MY"}, noUpdate: true}, next, true},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		sys := row.sys
		sys.hash = old
		if row.ended {
			sys.deleted = cancel
		}
		host := &patientHost{&fakeHost{t: t, os: "windows", programs: sys.run}}
		binding := sslBinding{at: "0.0.0.0:443", hash: old, appID: "{00000000-0000-0000-0000-000000000000}", store: sys.store[old], rest: []string{"Disable QUIC : Enabled"}}
		err := (&Worker{Host: host}).rebind(ctx, binding, next, []string{"MY"})
		cancel()
		if sys.hash != row.want || (err == nil) != (row.want == next) {
			t.Errorf("%s: %.4q is bound, want %.4q: %v", name, sys.hash, row.want, err)
		}
	}
	// The way back, to one that IIS had put into its own store.
	sys := httpSys{hash: next, store: map[string]string{old: "WebHosting", next: "MY"}}
	binding := sslBinding{at: "0.0.0.0:443", hash: next, store: "MY"}
	err := (&Worker{Host: &fakeHost{t: t, os: "windows", programs: sys.run}}).rebind(t.Context(), binding, old, storesOf(binding))
	if err != nil || sys.hash != old {
		t.Errorf("%.4q is bound: %v", sys.hash, err)
	}
}

// patientHost starts nothing for a caller who has given up, as a computer does.
type patientHost struct{ *fakeHost }

func (h *patientHost) Run(ctx context.Context, program string, args ...string) (string, string, int, error) {
	if ctx.Err() != nil {
		return "", "", -1, fmt.Errorf("start %s: %w", program, ctx.Err())
	}
	return h.fakeHost.Run(ctx, program, args...)
}
