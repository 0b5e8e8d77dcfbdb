package pki

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/google/go-cmp/cmp"
)

// The files in testdata are made by OpenSSL, keytool, NSS and BouncyCastle;
// testdata/make.sh says how.

const usualPassword = "cartouche"

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// usable is what reading a file gave.
type usable struct {
	leaf, chain, root string // chain: the common names, joined by " < "
	repairs           []string
}

func TestReadPFXReadsWhatToolsWrite(t *testing.T) {
	const (
		leaf  = "gis.example.com"
		inter = "Test Intermediate"
		root  = "Test Root"
	)
	whole := func(repairs ...string) usable {
		repairs = append(repairs, codeRootIncluded)
		slices.Sort(repairs)
		return usable{leaf, inter, root, repairs}
	}
	tests := []struct {
		file     string
		password string
		want     usable
	}{
		{"aes256", usualPassword, whole()},
		{"aes192", usualPassword, whole()},
		{"aes128", usualPassword, whole()},
		{"3des", usualPassword, whole()},
		{"3des-two-keys", usualPassword, whole()},
		{"rc2-40", usualPassword, whole()},
		{"rc2-128", usualPassword, whole()},
		{"mac-sha1", usualPassword, whole()},
		{"mac-sha224", usualPassword, whole()},
		{"mac-sha384", usualPassword, whole()},
		{"mac-sha512", usualPassword, whole()},
		{"certs-clear", usualPassword, whole()},
		{"all-clear", usualPassword, whole()},
		{"no-mac", usualPassword, whole(codeNoMAC)},
		{"no-mac-all-clear", usualPassword, whole(codeNoMAC)},
		{"one-iteration", usualPassword, whole()},
		{"iterations-900k", usualPassword, whole()},
		{"friendly-name", usualPassword, whole()},
		{"password-empty", "", whole()},
		{"password-empty-3des", "", whole()},
		{"password-umlaut", "pä✓", whole()},
		{"password-umlaut-3des", "pä✓", whole()},
		{"password-emoji", "map🗺", whole()},
		{"password-emoji-3des", "map🗺", whole()},
		{"ec-P-256", usualPassword, usable{leaf, inter, "", []string{}}},
		{"ec-P-384", usualPassword, usable{leaf, inter, "", []string{}}},
		{"ec-P-521", usualPassword, usable{leaf, inter, "", []string{}}},
		{"ed25519", usualPassword, usable{leaf, inter, "", []string{}}},
		{"chain-reversed", usualPassword, whole(codeChainReordered)},
		{"chain-duplicated", usualPassword, whole(codeDuplicateDropped)},
		{"intermediate-missing", usualPassword, usable{leaf, "", "", []string{}}},
		{"root-but-no-intermediate", usualPassword, usable{leaf, "", "", []string{codeStrangerDropped}}},
		{"strangers", usualPassword, usable{leaf, inter, "", []string{codeStrangerDropped, codeStrangerDropped}}},
		{"keytool", usualPassword, whole()},
		{"keytool-legacy", usualPassword, whole()},
		{"keytool-secret-key", usualPassword, whole()},
		{"keytool-leaf-not-first", usualPassword, whole(codeChainReordered, codeDuplicateDropped, codeLeafNotFirst)},
		{"two-keys-one-authority", usualPassword, whole(codeDuplicateDropped, codeLeafNotFirst, codeOtherKeyIgnored)},
		{"nss", usualPassword, whole(codeBEREncoding, codeLeafNotFirst)},
		{"nss-3des", usualPassword, whole(codeBEREncoding, codeLeafNotFirst)},
		{"bouncycastle", usualPassword, whole(codeBEREncoding, codeChainReordered)},
		{"base64", usualPassword, whole(codeBase64File)},
		{"armoured", usualPassword, whole(codeBase64File)},
		{"trailing-newline", usualPassword, whole(codeTrailingBytes)},
	}
	for _, test := range tests {
		t.Run(test.file, func(t *testing.T) {
			bundle, err := ReadPFX(readFile(t, test.file+".pfx"), secret.New(test.password))
			if err != nil {
				t.Fatal(err)
			}
			if !sameKey(bundle.Key.Public(), bundle.Leaf.PublicKey) {
				t.Error("the key does not belong to the leaf")
			}
			if diff := cmp.Diff(test.want, used(bundle), cmp.AllowUnexported(usable{})); diff != "" {
				t.Error(diff)
			}
			if worst := bundle.Repairs.Worst(); worst == Refusal {
				t.Error("a repair is a refusal")
			}
		})
	}
}

func used(b *Bundle) usable {
	got := usable{leaf: b.Leaf.Subject.CommonName, repairs: codes(b.Repairs)}
	var chain []string
	for _, cert := range b.Intermediates {
		chain = append(chain, cert.Subject.CommonName)
	}
	got.chain = strings.Join(chain, " < ")
	if b.Root != nil {
		got.root = b.Root.Subject.CommonName
	}
	slices.Sort(got.repairs)
	return got
}

func TestReadPFXSaysWhatIsWrong(t *testing.T) {
	tests := []struct {
		file string
		want string
		says string // a part of the sentence
		mend string // a part of what mends it
	}{
		{"certificate", codeCertificateNotPFX, "without a private key", "openssl pkcs12 -export"},
		{"certificates-only", codeNoKey, "no private key", "openssl pkcs12 -export"},
		{"ec-k1", codeUnsupportedKey, "elliptic curve", "openssl req -new"},
		{"iterations-2m", codeTooManyIterations, "2000000", "openssl pkcs12"},
		{"java-key-store", codeNotPFX, "JKS", "keytool -importkeystore"},
		{"key", codeKeyNotPFX, "without a certificate", "openssl pkcs12 -export"},
		{"key-only", codeNoCertificate, "no certificate", "openssl pkcs12 -export"},
		{"pem", codePEMNotPFX, "with a private key and certificates", "openssl pkcs12 -export -in FILE.pem"},
		{"pem-certificates", codePEMNotPFX, "without a private key", "certificate request"},
		{"pem-key", codePEMNotPFX, "no certificate", "openssl pkcs12 -export"},
		{"pkcs7", codePKCS7NotPFX, "p7b", "openssl pkcs12 -export"},
		{"rc4", codeUnsupportedEncryption, "RC4", "-legacy"},
		{"request", codeNotPFX, "certificate request", "openssl pkcs12 -export"},
		{"rsa-pss", codeUnsupportedKey, "RSASSA-PSS", "openssl req -new"},
		{"truncated", codeTruncatedFile, "ends too early", "again"},
		{"two-keys", codeSeveralKeys, `"gis.example.com" (until`, "openssl pkcs12"},
		{"two-keys", codeSeveralKeys, `"other.example.com" (until`, "openssl pkcs12"},
	}
	for _, test := range tests {
		t.Run(test.file, func(t *testing.T) {
			defect := readDefect(t, readFile(t, test.file+".pfx"), usualPassword)
			if defect.Code != test.want {
				t.Errorf("code %q, want %q", defect.Code, test.want)
			}
			if !strings.Contains(defect.Error(), test.says) {
				t.Errorf("the sentence %q does not say %q", defect.Error(), test.says)
			}
			if !strings.Contains(defect.Mend, test.mend) {
				t.Errorf("%q does not mend it with %q", defect.Mend, test.mend)
			}
		})
	}
}

func readDefect(t testing.TB, data []byte, password string) *DefectError {
	t.Helper()
	bundle, err := ReadPFX(data, secret.New(password))
	var defect *DefectError
	if !errors.As(err, &defect) {
		t.Fatalf("ReadPFX gives %+v, %v, want a *DefectError", bundle, err)
	}
	return defect
}

// Every encrypted or protected file must tell a wrong password from damage,
// and neither the password nor the key may show up in what is said.
func TestReadPFXTellsAWrongPassword(t *testing.T) {
	const canary = "canary-äöü-5e1f"
	files := []string{
		"aes256", "aes128", "3des", "rc2-40", "mac-sha512", "certs-clear", "all-clear", "no-mac", "nss", "bouncycastle",
		"keytool", "password-empty", "password-umlaut-3des", "password-emoji",
	}
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			defect := readDefect(t, readFile(t, file+".pfx"), canary)
			if defect.Code != codeWrongPassword {
				t.Errorf("code %q (%s), want %q", defect.Code, defect, codeWrongPassword)
			}
			said, err := json.Marshal(defect)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(said, []byte(canary)) {
				t.Errorf("the password is in %s", said)
			}
		})
	}
}

// The tests above must not forget a file of the corpus.
func TestEveryPFXInTestdataIsUsed(t *testing.T) {
	source, err := os.ReadFile("files_test.go")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/*.pfx")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".pfx")
		if !bytes.Contains(source, []byte(`{"`+name+`",`)) {
			t.Errorf("%s is in no table", file)
		}
	}
}
