package sim_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/cartouche-gis/cartouche/internal/sim"
)

// Whoever else uses this computer can find the doors of a world, and the ports
// behind them. Nobody but the owner of its directory may have anything run.
func TestWhoHasOnlyTheDoorsMakesNothingRun(t *testing.T) {
	t.Parallel()
	a, machine := enterprise(t)
	for _, door := range [][]sim.Variable{a.w.Environment(), a.w.InsideEnvironment()} {
		outsider := through(t, door, a.w.Authority().Roots())
		proxy, err := url.Parse(door[0].Value)
		if err != nil {
			t.Fatal(err)
		}
		transport := outsider.Transport.(*http.Transport)
		transport.Proxy = http.ProxyURL(proxy) // plain HTTP too
		ask := func(method, address, body string, headers ...string) (int, string) {
			request, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			for i := 0; i+1 < len(headers); i += 2 {
				request.Header.Set(headers[i], headers[i+1])
			}
			answer, err := outsider.Do(request)
			if err != nil {
				return 0, err.Error()
			}
			defer answer.Body.Close()
			content, _ := io.ReadAll(answer.Body)
			return answer.StatusCode, string(content)
		}

		tokens := "?api-version=2018-02-01&resource=" + url.QueryEscape("https://management.azure.com/")
		for _, address := range []string{"http://169.254.169.254/metadata/identity/oauth2/token", "http://169.254.129.2:8081/msi/token"} {
			if status, body := ask(http.MethodGet, address+tokens, "", "Metadata", "true"); strings.Contains(body, "access_token") {
				t.Errorf("%s gives a token to whoever asks: %d", address, status)
			}
		}

		script := `{"location":"westeurope","properties":{"source":{"script":"touch $HOME/outsider"}}}`
		command := "https://management.azure.com" + machine + "/runCommands/outsider?api-version=2024-07-01"
		for name, token := range map[string]string{"no token": "", "no signature": forged(t, a.w, jwt.SigningMethodNone), "a key of one's own": forged(t, a.w, jwt.SigningMethodRS256), "a secret of one's own": forged(t, a.w, jwt.SigningMethodHS256)} {
			if status, body := ask(http.MethodPut, command, script, "Authorization", "Bearer "+token); status != http.StatusUnauthorized {
				t.Errorf("run command with %s: %d %s", name, status, body)
			}
		}
		for _, id := range a.w.Storage().Names() {
			account, rest, _ := strings.Cut(id, "/")
			address := "https://" + a.w.Storage().Host(account) + "/" + rest
			for _, signature := range []string{"", "&sig=AAAA", "&sig=" + url.QueryEscape(strings.Repeat("A", 43)+"=")} {
				query := "?sv=2023-11-03&sr=b&sp=r&se=2099-01-01T00%3A00%3A00Z" + signature
				if status, body := ask(http.MethodGet, address+query, "", "X-Ms-Version", "2023-11-03"); status < 400 {
					t.Errorf("%s can be read with signature %q: %s", id, signature, body)
				}
			}
		}
	}
	if _, err := a.w.SignInEnvironment("managed"); err == nil {
		t.Error("a way to sign in is offered that is not there")
	}
	// The doors are for those who need names: the ports behind them can be found
	// by trying, and lead to the same handlers.
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if connection, err := a.w.Ground().Outside.DialContext(ctx, "tcp", "169.254.169.254:80"); err == nil {
		connection.Close()
		t.Error("the metadata service listens, though it cannot know who asks")
	}
	if left := a.w.LeftBehind(); len(left) > 0 {
		t.Errorf("%q", left)
	}
}

// forged is a token as the world's own would be, but for its signature.
func forged(t *testing.T, w *sim.World, method jwt.SigningMethod) string {
	t.Helper()
	token := jwt.NewWithClaims(method, jwt.MapClaims{"aud": "https://management.azure.com", "exp": w.Ground().Clock.Now().Add(time.Hour).Unix(), "tid": variable(w, "AZURE_TENANT_ID"),
		"oid": operatorID(w), "appid": variable(w, "AZURE_CLIENT_ID"), "uti": "forged"})
	var key any
	switch method {
	case jwt.SigningMethodNone:
		key = jwt.UnsafeAllowNoneSignatureType
	case jwt.SigningMethodHS256:
		key = []byte("anything")
	default:
		own, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		key = own
	}
	signed, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// Whoever may write where a world's directory is going to be has files of its
// names open before the world writes them.
func TestWhoLaidOutTheFilesDoesNotReadThem(t *testing.T) {
	t.Parallel()
	w := start(t, sim.Options{World: "single", Current: sim.CurrentCertificate{Key: "p256"}})
	dir := t.TempDir()
	early := map[string]*os.File{}
	for _, name := range []string{"env", "env-inside", "new.pfx", "new.pfx.password", "client.pem", "federated-token", "world.json"} {
		file, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_RDWR, 0o666)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		early[name] = file
	}
	if err := w.WriteDir(dir); err != nil {
		t.Fatal(err)
	}
	for name, file := range early {
		if content, err := io.ReadAll(file); err != nil || len(content) > 0 {
			t.Errorf("%s can be read by who made it: %d bytes, %v", name, len(content), err)
		}
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
}

// A page in a browser can send a simple POST to a port of this computer, but
// not under another name.
func TestAPageOfTheWebDoesNotMoveTheClock(t *testing.T) {
	t.Parallel()
	w := start(t, sim.Options{World: "single", Current: sim.CurrentCertificate{Key: "p256"}})
	before := w.Ground().Clock.Now()
	connection, err := w.Ground().Outside.DialContext(t.Context(), "tcp", sim.ControlHost+":80")
	if err != nil {
		t.Fatal(err)
	}
	port := connection.RemoteAddr().String()
	connection.Close()
	answer, err := http.Post("http://"+port+"/advance?by=400h", "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusNotFound || w.Ground().Clock.Now().Sub(before) > 100*time.Hour {
		t.Errorf("%s, and it is %s later", answer.Status, w.Ground().Clock.Now().Sub(before))
	}
}
