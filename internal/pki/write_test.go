package pki

import (
	"bytes"
	"crypto"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/google/go-cmp/cmp"
	pkcs12 "software.sslmate.com/src/go-pkcs12"
)

var consumers = map[Consumer]int{ForGateway: 12, ForKeyVault: 32, ForVaultSecret: 0, ForArcGIS: 24}

func TestWritePFXRoundTrip(t *testing.T) {
	for _, file := range []string{"aes256.pfx", "ec-P-384.pfx", "ed25519.pfx"} {
		bundle, err := ReadPFX(readFile(t, file), secret.New(usualPassword))
		if err != nil {
			t.Fatal(err)
		}
		for consumer, length := range consumers {
			data, password, err := WritePFX(bundle, consumer)
			if err != nil {
				t.Fatal(err)
			}
			if !regexp.MustCompile(`^[A-Za-z0-9]*$`).MatchString(password.Reveal()) || len(password.Reveal()) != length {
				t.Errorf("%s: a password of %d characters", consumer, len(password.Reveal()))
			}
			again, err := ReadPFX(data, password)
			if err != nil {
				t.Fatalf("%s for %s: %v", file, consumer, err)
			}
			if !again.Leaf.Equal(bundle.Leaf) || !sameKey(again.Key.Public(), bundle.Key.Public()) || again.Root != nil || len(again.Repairs) != 0 {
				t.Errorf("%s for %s: %+v", file, consumer, again)
			}
			if diff := cmp.Diff(subjects(bundle.Intermediates), subjects(again.Intermediates)); diff != "" {
				t.Errorf("%s for %s: %s", file, consumer, diff)
			}
		}
	}
}

func TestWritePFXRefuses(t *testing.T) {
	leaf := newLeaf(t, newRoot(t, "root"))
	if _, _, err := WritePFX(bundleOf(leaf), "somebody"); err == nil {
		t.Error("an unknown consumer was served")
	}
	if _, _, err := WritePFX(&Bundle{Leaf: leaf.Certificate}, ForGateway); err == nil {
		t.Error("a bundle without a key was written")
	}
}

// The readers that count are not ours: what OpenSSL and Java make of it.
func TestOpenSSLReadsWhatIsWritten(t *testing.T) {
	openssl := tool(t, "openssl")
	each(t, func(t *testing.T, path, passwordFile string, consumer Consumer) {
		arguments := []string{"pkcs12", "-in", path, "-passin", "file:" + passwordFile, "-nokeys", "-info"}
		if consumer != ForKeyVault {
			arguments = append(arguments, "-legacy")
		}
		output, err := exec.Command(openssl, arguments...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, output)
		}
		if n := bytes.Count(output, []byte("BEGIN CERTIFICATE")); n != 2 {
			t.Errorf("%d certificates", n)
		}
		wanted := "pbeWithSHA1And3-KeyTripleDES-CBC"
		if consumer == ForKeyVault {
			wanted = "AES-256-CBC"
		}
		if !bytes.Contains(output, []byte(wanted)) {
			t.Errorf("not encrypted with %s: %s", wanted, output)
		}
	})
}

func TestJavaReadsWhatIsWritten(t *testing.T) {
	keytool := tool(t, "keytool")
	each(t, func(t *testing.T, path, passwordFile string, consumer Consumer) {
		if consumer == ForVaultSecret {
			t.Skip("keytool takes no empty password, and Java does not read these")
		}
		output, err := exec.Command(keytool, "-list", "-v", "-keystore", path, "-storetype", "PKCS12", "-storepass:file", passwordFile).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, output)
		}
		if !bytes.Contains(output, []byte("PrivateKeyEntry")) || !bytes.Contains(output, []byte("Certificate chain length: 2")) {
			t.Errorf("%s", output)
		}
	})
}

func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	return path
}

// each writes one bundle for every consumer into a file.
func each(t *testing.T, check func(t *testing.T, path, passwordFile string, consumer Consumer)) {
	bundle, err := ReadPFX(readFile(t, "aes256.pfx"), secret.New(usualPassword))
	if err != nil {
		t.Fatal(err)
	}
	for consumer := range consumers {
		t.Run(string(consumer), func(t *testing.T) {
			data, password, err := WritePFX(bundle, consumer)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "new.pfx")
			passwordFile := path + ".password"
			for name, content := range map[string][]byte{path: data, passwordFile: []byte(password.Reveal() + "\n")} {
				if err := os.WriteFile(name, content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			check(t, path, passwordFile, consumer)
		})
	}
}

// Two readers that were written apart agree about every file that both read.
func TestTheLibraryReadsTheSame(t *testing.T) {
	files, err := filepath.Glob("testdata/*.pfx")
	if err != nil {
		t.Fatal(err)
	}
	agreed := 0
	for _, path := range files {
		name := filepath.Base(path)
		if name == "iterations-2m.pfx" {
			continue // the library would work them all off
		}
		key, leaf, others, err := pkcs12.DecodeChain(readFile(t, name), usualPassword)
		if err != nil {
			continue
		}
		bundle, err := ReadPFX(readFile(t, name), secret.New(usualPassword))
		if err != nil {
			t.Errorf("%s: the library reads it, and we say: %v", name, err)
			continue
		}
		if !sameKey(bundle.Key.Public(), key.(crypto.Signer).Public()) {
			t.Errorf("%s: another key", name)
		}
		all := append(others, leaf)
		for _, cert := range append(bundle.Intermediates, bundle.Leaf) {
			if !slices.ContainsFunc(all, cert.Equal) {
				t.Errorf("%s: the library does not see %s", name, nameOf(cert))
			}
		}
		agreed++
	}
	if agreed < 25 {
		t.Errorf("only %d files were compared", agreed)
	}
}

// PBMAC1 is what OpenSSL 3.4 and Java 26 can write; neither is everywhere yet.
func TestPBMAC1(t *testing.T) {
	root := newRoot(t, "root")
	leaf := newLeaf(t, root)
	data, err := pkcs12.Modern2026.Encode(leaf.key, leaf.Certificate, nil, "pä")
	if err != nil {
		t.Fatal(err)
	}
	if bundle, err := ReadPFX(data, secret.New("pä")); err != nil || !bundle.Leaf.Equal(leaf.Certificate) {
		t.Errorf("%+v, %v", bundle, err)
	}
	if got := readDefect(t, data, "wrong"); got.Code != codeWrongPassword {
		t.Errorf("with a wrong password: %q", got.Code)
	}
	// A MAC under a key of four octets can be forged (RFC 9579 section 6).
	short := bytes.Replace(data, unhex("0202080002"+"0120"), unhex("0202080002"+"0104"), 1)
	if got := readDefect(t, short, "pä"); got.Code != codeDamagedFile || bytes.Equal(short, data) {
		t.Errorf("with a short key: %q", got.Code)
	}
	absurd, err := pkcs12.Modern2026.WithIterations(maxIterations+1).Encode(leaf.key, leaf.Certificate, nil, "p")
	if err != nil {
		t.Fatal(err)
	}
	if got := readDefect(t, absurd, "p"); got.Code != codeTooManyIterations {
		t.Errorf("with too many iterations: %q", got.Code)
	}
}

func TestRandomPasswordsAreUnbiased(t *testing.T) {
	counts := map[rune]int{}
	const drawn = 62 * 1000
	password, err := randomPassword(drawn)
	if err != nil {
		t.Fatal(err)
	}
	for _, letter := range password.Reveal() {
		counts[letter]++
	}
	// A thousand of each are expected; six standard deviations are 190. Taking
	// octets modulo 62 would give the first eight letters 1,250.
	for letter, n := range counts {
		if n < 1000-190 || n > 1000+190 {
			t.Errorf("%c was drawn %d times", letter, n)
		}
	}
	if len(counts) != 62 {
		t.Errorf("%d different letters", len(counts))
	}
}

// sizeForGateway is computed without the key derivations of a real file.
func TestSizeForGateway(t *testing.T) {
	for _, file := range []string{"aes256.pfx", "ec-P-256.pfx", "intermediate-missing.pfx"} {
		bundle, err := ReadPFX(readFile(t, file), secret.New(usualPassword))
		if err != nil {
			t.Fatal(err)
		}
		data, _, err := WritePFX(bundle, ForGateway)
		if err != nil {
			t.Fatal(err)
		}
		if off := sizeForGateway(bundle) - len(data); off < 0 || off > 150 {
			t.Errorf("%s: %d bytes, estimated %d", file, len(data), sizeForGateway(bundle))
		}
	}
}

// A bundle that gets printed or logged must not show its key.
func TestABundleAsJSONHasNoKey(t *testing.T) {
	leaf := newLeaf(t, newRoot(t, "root"))
	text, err := json.Marshal(bundleOf(leaf))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), rsaKeys[0]().D.String()) || strings.Contains(string(text), `"Key"`) {
		t.Error("the key is in the JSON")
	}
}
