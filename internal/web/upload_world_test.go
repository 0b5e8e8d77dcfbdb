package web

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/authority"
)

func TestAFileIsPutIntoAVaultAndNothingElse(t *testing.T) {
	t.Parallel()
	st := newRenewalStage(t, "ha")
	if _, body := st.open(t, "/upload"); !strings.Contains(body, `<form method="post" action="/upload">`) {
		t.Errorf("nothing begins here:\n%s", plain(body))
	}
	_, body := st.send(t, "/upload", nil, nil)
	st.wantPage(t, body, "/certificate", "Which Key Vault?", "entvault")
	base := strings.TrimSuffix(st.at.Path, "/certificate")
	none := map[string][]byte{}
	const password, wrong = "upload-password-7261", "upload-wrong-9917"
	file := map[string][]byte{"pfx": st.pfx(t, func(s *authority.Spec) { s.NotAfter = time.Now().AddDate(0, 0, 320) }, password)}
	give := func(values map[string]string, files map[string][]byte) string {
		t.Helper()
		values["vault"] = "entvault"
		_, body := st.send(t, base+"/certificate", values, files)
		if strings.Contains(body, password) || strings.Contains(body, wrong) {
			t.Fatalf("a page at %s holds a password", st.at)
		}
		return body
	}

	_, body = st.open(t, base+"/certificate?vault=entvault")
	st.wantPage(t, body, "/certificate", "Name of the certificate in the vault", "More choices")
	_, body = st.open(t, base+"/review")
	st.wantPage(t, body, "/certificate", "Choose the file first.")
	body = give(map[string]string{"name": "gis-2027", "password": wrong}, file)
	st.wantPage(t, body, "/certificate", "does not open pfx.pfx", "Another file instead of pfx.pfx", `value="gis-2027"`)
	body = give(map[string]string{"name": "gis-2027", "password": password, "for": "elsewhere.example.org"}, none)
	st.wantPage(t, body, "/certificate", "pfx.pfx cannot be used", "elsewhere.example.org")
	if strings.Contains(body, "Put it there") {
		t.Error("a file that was refused can be put there")
	}
	body = give(map[string]string{"name": "gis/2027", "password": password}, file)
	st.wantPage(t, body, "/certificate", "1 to 127 letters")

	body = give(map[string]string{"name": "gis-2027", "password": password}, file)
	st.wantPage(t, body, "/review", "It becomes a new certificate in the vault.", "No gateway follows this name yet", "Put it there")
	answer := regexp.MustCompile(`name="answer" value="([^"]+)"`).FindStringSubmatch(body)
	_, body = st.send(t, base+"/review", map[string]string{"answer": "another"}, nil)
	st.wantPage(t, body, "/review", "Put it there")
	_, body = st.send(t, base+"/review", map[string]string{"answer": answer[1]}, nil)
	if !strings.HasPrefix(st.at.Path, "/uploaded/") || !strings.Contains(body, "gis-2027</bdi> has a new version") || !strings.Contains(body, "entvault.vault.azure.net/secrets/gis-2027") {
		t.Fatalf("afterwards %s says\n%s", st.at, plain(body))
	}
	put := st.at.Path
	if _, _ = st.send(t, base+"/review", map[string]string{"answer": answer[1]}, nil); st.at.Path != put {
		t.Errorf("a second click leads to %s", st.at)
	}

	// The same file is not put there twice; another one lies beside what is there.
	_, _ = st.send(t, "/upload", nil, nil)
	base = strings.TrimSuffix(st.at.Path, "/certificate")
	_, body = st.open(t, base+"/certificate?vault=entvault")
	st.wantPage(t, body, "/certificate", `<option value="gis-2027">`)
	body = give(map[string]string{"name": "gis-2027", "password": password}, file)
	st.wantPage(t, body, "/review", "nothing has to be done")
	if strings.Contains(body, "<button>Put it there") {
		t.Error("what is there already can be put there")
	}
	earlier := map[string][]byte{"pfx": st.pfx(t, func(s *authority.Spec) { s.NotAfter = time.Now().AddDate(0, 0, 200) }, password)}
	body = give(map[string]string{"name": "gis-2027", "password": password}, earlier)
	st.wantPage(t, body, "/review", "becomes the newest version", "In the vault now", "It ends before the version that is there", "earlier")

	// Locking takes the file away.
	upload, _ := st.uploads.Find(strings.TrimPrefix(base, "/upload/"))
	st.uploads.Lock()
	if upload.Chosen.Bundle != nil || upload.Chosen.File.Data != nil || upload.Ready != nil {
		t.Error("after locking the file is still there")
	}
}
