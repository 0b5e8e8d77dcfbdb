package web

import (
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/authority"
)

func TestAFileAndAHostAreJudgedByThePagesWithoutASignIn(t *testing.T) {
	t.Parallel()
	st := newRenewalStage(t, "single", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID")
	_, body := st.open(t, "/check")
	st.wantPage(t, body, "/check", "Nobody has to sign in", "Or a host")
	domain := st.world.Deployments()[0].Domain
	none := map[string][]byte{}

	good := map[string][]byte{"pfx": st.pfx(t, nil, "right")}
	_, body = st.send(t, "/check", map[string]string{"password": "right", "for": domain}, good)
	for _, want := range []string{"pfx.pfx</bdi>: nothing is wrong with it", domain, "Its chain"} {
		if !strings.Contains(body, want) {
			t.Errorf("a good file: no %q in\n%s", want, plain(body))
		}
	}
	_, body = st.send(t, "/check", map[string]string{"password": "typed-and-wrong"}, good)
	if !strings.Contains(body, "This is not the password of pfx.pfx") || strings.Contains(body, "typed-and-wrong") {
		t.Errorf("a wrong password:\n%s", plain(body))
	}
	old := map[string][]byte{"pfx": st.pfx(t, func(spec *authority.Spec) {
		spec.NotBefore, spec.NotAfter = time.Now().AddDate(-1, 0, 0), time.Now().AddDate(0, 0, -1)
	}, "")}
	_, body = st.send(t, "/check", map[string]string{"for": "other.example.org"}, old)
	for _, want := range []string{"there is something to see to", "In the way", "other.example.org", "What helps"} {
		if !strings.Contains(body, want) {
			t.Errorf("an expired file: no %q in\n%s", want, plain(body))
		}
	}
	if _, body = st.send(t, "/check", map[string]string{"host": "a b"}, none); !strings.Contains(body, `aria-invalid="true"`) {
		t.Errorf("no host:\n%s", plain(body))
	}
	if _, body = st.send(t, "/check", map[string]string{"host": ""}, none); !strings.Contains(body, "one of the two") {
		t.Errorf("nothing:\n%s", plain(body))
	}
	_, body = st.send(t, "/check", map[string]string{"host": domain}, none)
	for _, want := range []string{domain, "handshake", "TLS 1.", "Valid until"} {
		if !strings.Contains(body, want) {
			t.Errorf("a host: no %q in\n%s", want, plain(body))
		}
	}
	if strings.Contains(body, `name="host" value="`+domain) {
		t.Error("whoever chooses a file next has to empty the field of the host first")
	}
}
