package cloud

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cartouche-gis/cartouche/internal/pki"
)

func TestImportOfANewCertificate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bundle := newBundle(t, "gis.example.com")
		vault := newFakeVault(t)
		vault.on("GET /", 404, notThere)
		var sent map[string]any
		vault.mux.HandleFunc("POST /certificates/web/import", func(w http.ResponseWriter, r *http.Request) {
			if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
				t.Error(err)
			}
			answer(w, 200, bundleJSON(t, "web", "v1", bundle.Leaf, nil))
		})
		got, err := vault.client().Import(t.Context(), "web", bundle)
		if err != nil || got.SecretID != vaultAddress+"/secrets/web/v1" || !got.Leaf.Equal(bundle.Leaf) {
			t.Errorf("got %+v, %v", got, err)
		}
		want := `{"issuer":{"name":"Unknown"},"key_props":{"crv":"P-256","exportable":true,"kty":"EC","reuse_key":false},"secret_props":{"contentType":"application/x-pkcs12"}}`
		if policy := compact(t, sent["policy"]); policy != want {
			t.Errorf("policy\ngot  %s\nwant %s", policy, want)
		}
	})
}

func TestImportKeepsPolicyAndTags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bundle, older := newBundle(t, "gis.example.com"), newBundle(t, "gis.example.com")
		vault := newFakeVault(t)
		vault.on("GET /certificates/web/", 200, bundleJSON(t, "web", "v1", older.Leaf, func(tree map[string]any) {
			tree["policy"].(map[string]any)["key_props"].(map[string]any)["exportable"] = false
		}))
		var sent map[string]any
		vault.mux.HandleFunc("POST /certificates/web/import", func(w http.ResponseWriter, r *http.Request) {
			_ = json.NewDecoder(r.Body).Decode(&sent)
			answer(w, 200, bundleJSON(t, "web", "v2", bundle.Leaf, nil))
		})
		if _, err := vault.client().Import(t.Context(), "web", bundle); err != nil {
			t.Fatal(err)
		}
		if got := compact(t, sent["tags"]); got != `{"owner":"gis"}` {
			t.Errorf("tags %s", got)
		}
		want := `{"issuer":{"name":"DigiCert"},"key_props":{"crv":"P-256","exportable":true,"kty":"EC","reuse_key":true},` +
			`"lifetime_actions":[{"action":{"action_type":"EmailContacts"},"trigger":{"days_before_expiry":30}}],` +
			`"secret_props":{"contentType":"application/x-pkcs12"},"x509_props":{"subject":"CN=as it was"}}`
		if got := compact(t, sent["policy"]); got != want {
			t.Errorf("policy\ngot  %s\nwant %s", got, want)
		}
	})
}

func TestImportOfWhatIsThere(t *testing.T) {
	bundle := newBundle(t, "gis.example.com")
	vault := newFakeVault(t)
	vault.on("GET /certificates/web/", 200, bundleJSON(t, "web", "v7", bundle.Leaf, nil))
	got, err := vault.client().Import(t.Context(), "web", bundle)
	if err != nil || got.Version != "v7" || vault.count("POST") != 0 {
		t.Errorf("got %+v, %v after %v", got, err, vault.asked)
	}
}

func TestImportWaitsWhenItIsThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bundle := newBundle(t, "gis.example.com")
		vault := newFakeVault(t)
		vault.on("GET /", 404, notThere)
		vault.mux.HandleFunc("POST /certificates/web/import", func(w http.ResponseWriter, r *http.Request) {
			if vault.count("POST") == 1 {
				answer(w, 429, `{"error":{"code":"Throttled","message":"slowly"}}`, "Retry-After", "20")
				return
			}
			answer(w, 200, bundleJSON(t, "web", "v1", bundle.Leaf, nil))
		})
		start := time.Now()
		got, err := vault.client().Import(t.Context(), "web", bundle)
		if waited := time.Since(start); err != nil || got.Version != "v1" || waited != 20*time.Second {
			t.Errorf("got %+v, %v after %s", got, err, waited)
		}
	})
}

func TestImportBelievesOnlyWhatItSent(t *testing.T) {
	bundle, other := newBundle(t, "gis.example.com"), newBundle(t, "gis.example.com")
	vault := newFakeVault(t)
	vault.on("GET /", 404, notThere)
	vault.on("POST /certificates/web/import", 200, bundleJSON(t, "web", "v1", other.Leaf, nil))
	if _, err := vault.client().Import(t.Context(), "web", bundle); err == nil || !strings.Contains(err.Error(), pki.Thumbprint(other.Leaf)) {
		t.Errorf("got %v", err)
	}
}

// The connection is lost after the vault has taken the certificate: sending it
// again would make a second version.
func TestImportLooksAfterALostAnswer(t *testing.T) {
	for _, arrived := range []bool{true, false} {
		t.Run(fmt.Sprintf("arrived=%t", arrived), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bundle := newBundle(t, "gis.example.com")
				vault := newFakeVault(t)
				there := false
				vault.mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
					if there && r.URL.Path == "/certificates/web/" {
						answer(w, 200, bundleJSON(t, "web", "v1", bundle.Leaf, nil))
						return
					}
					answer(w, 404, notThere)
				})
				vault.mux.HandleFunc("POST /certificates/web/import", func(w http.ResponseWriter, r *http.Request) {
					if vault.count("POST") == 1 {
						there = arrived
						panic("the connection is lost")
					}
					there = true
					answer(w, 200, bundleJSON(t, "web", "v1", bundle.Leaf, nil))
				})
				got, err := vault.client().Import(t.Context(), "web", bundle)
				if err != nil || got.Version != "v1" {
					t.Errorf("got %+v, %v", got, err)
				}
				if n, want := vault.count("POST"), map[bool]int{true: 1, false: 2}[arrived]; n != want {
					t.Errorf("it was sent %d times, want %d", n, want)
				}
			})
		})
	}
}

// What an import has changed, or may have, is told though it fails at something
// else: the caller must not believe that nothing happened.
func TestAFailedImportTellsWhatItMayHaveChanged(t *testing.T) {
	const forbidden = `{"error":{"code":"Forbidden","message":"no","innererror":{"code":"ForbiddenByPolicy"}}}`
	for name, deleted := range map[string]bool{"an answer was lost": false, "a deleted one was recovered": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bundle, older := newBundle(t, "gis.example.com"), newBundle(t, "gis.example.com")
				vault := newFakeVault(t)
				vault.mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
					switch {
					case deleted && (r.URL.Path == "/deletedcertificates/web" || vault.count("POST") > 0):
						answer(w, 200, bundleJSON(t, "web", "v1", older.Leaf, nil))
					case vault.count("POST") > 0:
						answer(w, 403, forbidden)
					default:
						answer(w, 404, notThere)
					}
				})
				vault.on("POST /deletedcertificates/web/recover", 200, bundleJSON(t, "web", "v1", older.Leaf, nil))
				vault.mux.HandleFunc("POST /certificates/web/import", func(w http.ResponseWriter, r *http.Request) {
					if !deleted {
						panic("the connection is lost")
					}
					answer(w, 403, forbidden)
				})
				_, err := vault.client().Import(t.Context(), "web", bundle)
				if !IsForbidden(err) || !Uncertain(err) {
					t.Errorf("got %v, uncertain: %t; want a refusal that says that something may have changed", err, Uncertain(err))
				}
				if told := strings.Contains(err.Error(), "its recovery was begun"); told != deleted {
					t.Errorf("the recovery is told: %t (%v)", told, err)
				}
			})
		})
	}
}

// A deleted name is recovered, also when it is met only at the import because
// nobody may look for it.
func TestImportRecoversADeletedName(t *testing.T) {
	const conflict = `{"error":{"code":"Conflict","message":"Certificate web is currently in a deleted but recoverable state.","innererror":{"code":"ObjectIsDeletedButRecoverable"}}}`
	for _, mayLook := range []bool{true, false} {
		t.Run(fmt.Sprintf("mayLook=%t", mayLook), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bundle, older := newBundle(t, "gis.example.com"), newBundle(t, "gis.example.com")
				vault := newFakeVault(t)
				var recovered time.Time // zero while it is deleted
				vault.mux.HandleFunc("GET /certificates/web/", func(w http.ResponseWriter, r *http.Request) {
					if recovered.IsZero() || time.Since(recovered) < 4*time.Second {
						answer(w, 404, notThere)
						return
					}
					answer(w, 200, bundleJSON(t, "web", "v1", older.Leaf, nil))
				})
				vault.mux.HandleFunc("GET /deletedcertificates/web", func(w http.ResponseWriter, r *http.Request) {
					if !mayLook {
						answer(w, 403, `{"error":{"code":"Forbidden","message":"no","innererror":{"code":"ForbiddenByPolicy"}}}`)
						return
					}
					answer(w, 200, bundleJSON(t, "web", "v1", older.Leaf, nil))
				})
				vault.on("GET /secrets/", 404, notThere)
				vault.mux.HandleFunc("POST /deletedcertificates/web/recover", func(w http.ResponseWriter, r *http.Request) {
					recovered = time.Now()
					answer(w, 200, bundleJSON(t, "web", "v1", older.Leaf, nil))
				})
				vault.mux.HandleFunc("POST /certificates/web/import", func(w http.ResponseWriter, r *http.Request) {
					if recovered.IsZero() {
						answer(w, 409, conflict)
						return
					}
					answer(w, 200, bundleJSON(t, "web", "v2", bundle.Leaf, nil))
				})
				got, err := vault.client().Import(t.Context(), "web", bundle)
				if err != nil || got.Version != "v2" || recovered.IsZero() {
					t.Errorf("got %+v, %v after %v", got, err, vault.asked)
				}
			})
		})
	}
}

// The name is a deleted plain secret's: recovering a certificate is of no use.
func TestImportUnderTheNameOfADeletedSecret(t *testing.T) {
	vault := newFakeVault(t)
	vault.on("GET /", 404, notThere)
	vault.on("POST /deletedcertificates/web/recover", 404, notThere)
	vault.on("POST /certificates/web/import", 409, `{"error":{"code":"Conflict","message":"Secret web is currently in a deleted but recoverable state.","innererror":{"code":"ObjectIsDeletedButRecoverable"}}}`)
	_, err := vault.client().Import(t.Context(), "web", newBundle(t, "gis.example.com"))
	var e *Error
	if !errors.As(err, &e) || Uncertain(err) || !strings.Contains(e.Hint, "az keyvault secret recover") || vault.count("POST /certificates/") != 1 {
		t.Errorf("got %v, asked %v", err, vault.asked)
	}
}

func TestImportIntoAPlainSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bundle, older := newBundle(t, "gis.example.com"), newBundle(t, "gis.example.com")
		data, _, err := pki.WritePFX(older, pki.ForVaultSecret)
		if err != nil {
			t.Fatal(err)
		}
		vault := newFakeVault(t)
		vault.on("GET /", 404, notThere)
		vault.on("GET /secrets/web/versions", 200, `{"value":[{"id":"`+vaultAddress+`/secrets/web/s1","attributes":{"enabled":true,"created":1},"tags":{"owner":"gis"}}]}`)
		vault.on("GET /secrets/web/", 200, `{"id":"`+vaultAddress+`/secrets/web/s1","value":"`+base64.StdEncoding.EncodeToString(data)+`","attributes":{"enabled":true}}`)
		var sent map[string]any
		vault.mux.HandleFunc("PUT /secrets/web", func(w http.ResponseWriter, r *http.Request) {
			_ = json.NewDecoder(r.Body).Decode(&sent)
			answer(w, 200, `{"id":"`+vaultAddress+`/secrets/web/s2","contentType":"application/x-pkcs12","attributes":{"enabled":true}}`)
		})
		got, err := vault.client().Import(t.Context(), "web", bundle)
		if err != nil || got.SecretID != vaultAddress+"/secrets/web/s2" || len(got.Unusable(now)) != 0 {
			t.Errorf("got %+v, %v", got, err)
		}
		if compact(t, sent["tags"]) != `{"owner":"gis"}` || sent["contentType"] != pfxType {
			t.Errorf("sent %v", sent["tags"])
		}
	})
}
