package pki

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// The files here are put together element by element, because no tool makes
// such files on purpose.

func marshal(t testing.TB, value any) []byte {
	t.Helper()
	der, err := asn1.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func oid(t testing.TB, text string) asn1.ObjectIdentifier {
	t.Helper()
	parsed, err := x509.ParseOID(text)
	if err != nil {
		t.Fatal(err)
	}
	var id asn1.ObjectIdentifier
	der, err := parsed.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := asn1.Unmarshal(appendElement(nil, []byte{asn1.TagOID}, der), &id); err != nil {
		t.Fatal(err)
	}
	return id
}

// explicit wraps der in [0].
func explicit(der []byte) asn1.RawValue {
	return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: der}
}

type bag struct {
	ID    asn1.ObjectIdentifier
	Value asn1.RawValue
}

func certBag(t testing.TB, cert *x509.Certificate) bag {
	inner := struct {
		Type asn1.ObjectIdentifier
		Data asn1.RawValue
	}{oid(t, oidX509InCertificate), explicit(marshal(t, cert.Raw))}
	return bag{oid(t, oidCertificateBag), explicit(marshal(t, inner))}
}

func keyBag(t testing.TB, key any) bag {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return bag{oid(t, oidKeyBag), explicit(der)}
}

// clearPart is a part of a PFX without encryption.
func clearPart(t testing.TB, bags ...bag) contentInfo {
	return contentInfo{oid(t, oidData), explicit(marshal(t, marshal(t, bags)))}
}

// file puts parts into a PFX whose MAC is made with this password.
func file(t testing.TB, password string, parts ...contentInfo) []byte {
	t.Helper()
	safe := marshal(t, parts)
	p := passphrases(secret.New(password))[0]
	return withMAC(t, safe, p.bmp, big.NewInt(1))
}

func withMAC(t testing.TB, safe, bmp []byte, iterations *big.Int) []byte {
	t.Helper()
	salt := []byte("saltsalt")
	h := hmac.New(sha256.New, pkcs12Key(sha256.New, purposeMAC, bmp, salt, 1, sha256.Size))
	h.Write(safe)

	var mac macData
	mac.Mac.Algorithm.Algorithm = oid(t, "2.16.840.1.101.3.4.2.1")
	mac.Mac.Digest = h.Sum(nil)
	mac.Salt, mac.Iterations = salt, iterations
	return marshal(t, struct {
		Version int
		Safe    contentInfo
		MAC     macData
	}{3, contentInfo{oid(t, oidData), explicit(marshal(t, safe))}, mac})
}

func TestMoreThanTwoParts(t *testing.T) {
	root := newRoot(t, "root")
	inter := newIntermediate(t, "intermediate", root)
	leaf := newLeaf(t, inter)
	data := file(t, "p", clearPart(t, certBag(t, inter.Certificate)), clearPart(t), clearPart(t, keyBag(t, leaf.key)), clearPart(t, certBag(t, leaf.Certificate)))

	bundle, err := ReadPFX(data, secret.New("p"))
	if err != nil {
		t.Fatal(err)
	}
	if !bundle.Leaf.Equal(leaf.Certificate) || len(bundle.Intermediates) != 1 {
		t.Errorf("leaf %s, %d intermediates", nameOf(bundle.Leaf), len(bundle.Intermediates))
	}
}

func TestTheLeafIsChosenByItsKey(t *testing.T) {
	root := newRoot(t, "root")
	inter := newIntermediate(t, "intermediate", root)
	leaf := newLeaf(t, inter)
	data := file(t, "p", clearPart(t, certBag(t, root.Certificate), certBag(t, inter.Certificate), certBag(t, leaf.Certificate), keyBag(t, leaf.key)))

	bundle, err := ReadPFX(data, secret.New("p"))
	if err != nil {
		t.Fatal(err)
	}
	if !bundle.Leaf.Equal(leaf.Certificate) {
		t.Errorf("the leaf is %s", nameOf(bundle.Leaf))
	}
}

// A renewal for the same key is often put into the same file as its predecessor.
func TestOfTwoCertificatesForOneKeyTheLaterIsTaken(t *testing.T) {
	root := newRoot(t, "root")
	before := newLeaf(t, root, valid(today.AddDate(-1, 0, 0), today.AddDate(0, 0, 5)))
	after := newLeaf(t, root)
	data := file(t, "p", clearPart(t, keyBag(t, after.key), certBag(t, before.Certificate), certBag(t, after.Certificate)))

	bundle, err := ReadPFX(data, secret.New("p"))
	if err != nil {
		t.Fatal(err)
	}
	if !bundle.Leaf.Equal(after.Certificate) || !bundle.Repairs.Has(codeSeveralCertificates) || bundle.Repairs.Refused() {
		t.Errorf("leaf until %s, repairs %v", bundle.Leaf.NotAfter, codes(bundle.Repairs))
	}
}

func TestHandmadeDefects(t *testing.T) {
	root := newRoot(t, "root")
	leaf := newLeaf(t, root)
	other := issue(t, &root, leafTemplate(), ecKey(t), nil)

	huge := new(big.Int).Lsh(big.NewInt(1), 400)
	safe := marshal(t, []contentInfo{clearPart(t, certBag(t, leaf.Certificate), keyBag(t, leaf.key))})
	bmp := passphrases(secret.New("p"))[0].bmp

	nested := clearPart(t, certBag(t, leaf.Certificate), keyBag(t, leaf.key))
	for range maxBagDepth + 2 {
		inner := nested.Content.Bytes
		var content []byte
		if _, err := asn1.Unmarshal(inner, &content); err != nil {
			t.Fatal(err)
		}
		nested = clearPart(t, bag{oid(t, oidSafeContentsBag), explicit(content)})
	}

	tests := map[string]struct {
		data []byte
		want string
	}{
		"nothing":                    {nil, codeEmptyFile},
		"white space":                {[]byte(" \r\n\n"), codeEmptyFile},
		"more than a mebibyte":       {bytes.Repeat([]byte{0x30}, maxFileSize+1), codeFileTooLarge},
		"text":                       {[]byte("<html>Sign in first</html>"), codeNotPFX},
		"base64 of something else":   {[]byte("aGVsbG8gd29ybGQ="), codeNotPFX},
		"another structure":          {marshal(t, []int{3, 2, 1}), codeNotPFX},
		"version 4":                  {bytes.Replace(file(t, "p"), []byte{2, 1, 3}, []byte{2, 1, 4}, 1), codeNotPFX},
		"no bags":                    {file(t, "p", clearPart(t)), codeNoKey},
		"key of another certificate": {file(t, "p", clearPart(t, certBag(t, other.Certificate), keyBag(t, leaf.key))), codeKeyMismatch},
		"two keys, no certificate fits": {
			file(t, "p", clearPart(t, certBag(t, root.Certificate), keyBag(t, leaf.key), keyBag(t, other.key))), codeSeveralKeys},
		"eleven keys":             {file(t, "p", clearPart(t, slices.Repeat([]bag{keyBag(t, leaf.key)}, maxKeys+1)...)), codeSeveralKeys},
		"101 certificates":        {file(t, "p", clearPart(t, slices.Repeat([]bag{certBag(t, leaf.Certificate)}, maxCertificates+1)...)), codeTooManyCertificates},
		"parts nested too deeply": {file(t, "p", nested), codeDamagedFile},
		"2^400 iterations":        {withMAC(t, safe, bmp, huge), codeTooManyIterations},
		"-1 iterations":           {withMAC(t, safe, bmp, big.NewInt(-1)), codeDamagedFile},
		"elements nested too deeply": {
			append(bytes.Repeat([]byte{0x30, 0x80}, 10_000), bytes.Repeat([]byte{0, 0}, 10_000)...), codeDamagedFile},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := readDefect(t, test.data, "p"); got.Code != test.want {
				t.Errorf("code %q (%s), want %q", got.Code, got, test.want)
			}
		})
	}
}

// giantKey is an RSA key of 400,000 bits (PKCS#1) whose numbers agree with each
// other well enough to keep crypto/rsa busy for ten seconds.
func giantKey(t testing.TB) []byte {
	p := new(big.Int).SetBit(big.NewInt(1), 200_000, 1)
	q := new(big.Int).SetBit(big.NewInt(3), 200_000, 1)
	d := new(big.Int).Sub(p, big.NewInt(2))
	return marshal(t, struct {
		Version         int
		N               *big.Int
		E               int
		D, P, Q, DP, DQ *big.Int
		QI              *big.Int
	}{0, new(big.Int).Mul(p, q), 65537, d, p, q, d, d, big.NewInt(3)})
}

func giantKeyBag(t testing.TB) bag {
	pkcs8 := marshal(t, struct {
		Version   int
		Algorithm struct{ ID asn1.ObjectIdentifier }
		Key       []byte
	}{0, struct{ ID asn1.ObjectIdentifier }{oid(t, "1.2.840.113549.1.1.1")}, giantKey(t)})
	return bag{oid(t, oidKeyBag), explicit(pkcs8)}
}

func TestGiantKeysCostNothing(t *testing.T) {
	leaf := newLeaf(t, newRoot(t, "root"))
	began := time.Now()
	if got := readDefect(t, giantKey(t), "p"); got.Code != codeNotPFX {
		t.Errorf("as a file: %q", got.Code)
	}
	data := file(t, "p", clearPart(t, certBag(t, leaf.Certificate), giantKeyBag(t)))
	if got := readDefect(t, data, "p"); got.Code != codeUnsupportedKey {
		t.Errorf("in a .pfx: %q", got.Code)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

// An iteration count may only come to light when an encrypted part is opened.
func TestIterationsInsideAnEncryptedPartAreBounded(t *testing.T) {
	leaf := newLeaf(t, newRoot(t, "root"))
	shrouded := func(iterations int64) bag {
		parameters := marshal(t, pbeParameters{[]byte("saltsalt"), big.NewInt(iterations)})
		algorithm := algorithmIdentifier{oid(t, "1.2.840.113549.1.12.1.3"), asn1.RawValue{FullBytes: parameters}}
		return bag{oid(t, oidShroudedKeyBag), explicit(marshal(t, shroudedKey{algorithm, make([]byte, 64)}))}
	}
	inside := func(bags ...bag) []byte {
		return file(t, "p", encryptedPart(t, "p", append(bags, certBag(t, leaf.Certificate))...))
	}

	t.Run("one count too high", func(t *testing.T) {
		if got := readDefect(t, inside(shrouded(maxIterations+1)), "p"); got.Code != codeTooManyIterations {
			t.Errorf("code %q (%s)", got.Code, got)
		}
	})
	t.Run("all of them together too high", func(t *testing.T) {
		var m meter
		count := big.NewInt(maxIterations)
		for range maxWork / maxIterations {
			if _, err := m.charge(count); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := m.charge(big.NewInt(1)); err == nil {
			t.Error("the meter lets more through than maxWork")
		}
	})
	t.Run("a right one is read", func(t *testing.T) {
		bundle, err := ReadPFX(inside(keyBag(t, leaf.key)), secret.New("p"))
		if err != nil || !bundle.Leaf.Equal(leaf.Certificate) {
			t.Errorf("%+v, %v", bundle, err)
		}
	})
}

// encryptedPart is a part of a PFX in two-key 3DES, in two pieces as BER allows.
func encryptedPart(t testing.TB, password string, bags ...bag) contentInfo {
	t.Helper()
	parameters := marshal(t, pbeParameters{[]byte("saltsalt"), big.NewInt(1)})
	algorithm := algorithmIdentifier{oid(t, "1.2.840.113549.1.12.1.4"), asn1.RawValue{FullBytes: parameters}}
	data := encrypt(t, algorithm, marshal(t, bags), password)

	var part encryptedData
	part.Content.Type = oid(t, oidData)
	part.Content.Algorithm = algorithm
	pieces := append(marshal(t, data[:8]), marshal(t, data[8:])...)
	part.Content.Data = asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: pieces}
	return contentInfo{oid(t, oidEncryptedData), explicit(marshal(t, part))}
}

// encrypt is the reverse of meter.decrypt, in CBC mode by hand.
func encrypt(t testing.TB, algorithm algorithmIdentifier, plain []byte, password string) []byte {
	t.Helper()
	block, iv, err := new(meter).cipherFor(algorithm, passphrases(secret.New(password))[0])
	if err != nil {
		t.Fatal(err)
	}
	size := block.BlockSize()
	padding := size - len(plain)%size
	data := append(bytes.Clone(plain), bytes.Repeat([]byte{byte(padding)}, padding)...)
	previous := iv
	for start := 0; start < len(data); start += size {
		chunk := data[start : start+size]
		for i := range chunk {
			chunk[i] ^= previous[i]
		}
		block.Encrypt(chunk, chunk)
		previous = chunk
	}
	return data
}

// Without a MAC only the decryption can show that a password is wrong, and one
// wrong password in 256 gives right padding by chance.
func TestWrongPasswordsWithoutAMAC(t *testing.T) {
	leaf := newLeaf(t, newRoot(t, "root"))
	safe := marshal(t, []contentInfo{encryptedPart(t, "p", certBag(t, leaf.Certificate), keyBag(t, leaf.key))})
	data := marshal(t, struct {
		Version int
		Safe    contentInfo
	}{3, contentInfo{oid(t, oidData), explicit(marshal(t, safe))}})
	for i := range 2000 {
		if got := readDefect(t, data, fmt.Sprint("wrong ", i)); got.Code != codeWrongPassword {
			t.Fatalf("password %d: %q (%s)", i, got.Code, got)
		}
	}
	if _, err := ReadPFX(data, secret.New("p")); err != nil {
		t.Error(err)
	}
}

// openssl pkcs12 -twopass makes such files.
func TestTwoPasswords(t *testing.T) {
	leaf := newLeaf(t, newRoot(t, "root"))
	data := file(t, "outer", encryptedPart(t, "inner", certBag(t, leaf.Certificate), keyBag(t, leaf.key)))
	if got := readDefect(t, data, "outer"); got.Code != codeTwoPasswords {
		t.Errorf("with the password of the MAC: %q (%s)", got.Code, got)
	}
	if got := readDefect(t, data, "inner"); got.Code != codeWrongPassword {
		t.Errorf("with the password of the part: %q (%s)", got.Code, got)
	}
}

// OpenSSL before 1.1.0 spelt passwords that are not ASCII in a way of its own.
func TestPasswordAsOldOpenSSLSpeltIt(t *testing.T) {
	leaf := newLeaf(t, newRoot(t, "root"))
	safe := marshal(t, []contentInfo{clearPart(t, certBag(t, leaf.Certificate), keyBag(t, leaf.key))})
	spelling := []byte{0, 'p', 0, 0xc3, 0, 0xa4, 0, 0} // "pä", every octet of UTF-8 widened
	if _, err := ReadPFX(withMAC(t, safe, spelling, big.NewInt(1)), secret.New("pä")); err != nil {
		t.Error(err)
	}
}

func TestUnreadableCertificateIsLeftOut(t *testing.T) {
	root := newRoot(t, "root")
	leaf := newLeaf(t, root)
	damaged := *root.Certificate
	damaged.Raw = bytes.Clone(root.Raw[:len(root.Raw)-1])
	bundle, err := ReadPFX(file(t, "p", clearPart(t, certBag(t, leaf.Certificate), certBag(t, &damaged), keyBag(t, leaf.key))), secret.New("p"))
	if err != nil {
		t.Fatal(err)
	}
	if !bundle.Repairs.Has(codeUnreadableEntry) {
		t.Errorf("repairs %v", codes(bundle.Repairs))
	}
}

// Every way to cut a file short must be noticed, and none may panic.
func TestEveryTruncationIsADefect(t *testing.T) {
	data := readFile(t, "all-clear.pfx")
	for end := range len(data) {
		if got := readDefect(t, data[:end], usualPassword); got.Code != codeTruncatedFile && end > 0 {
			t.Fatalf("cut to %d bytes: %q (%s)", end, got.Code, got)
		}
	}
}

// RC2 against the test vectors of RFC 2268 section 5 whose effective length is
// the length of the key.
func TestRC2(t *testing.T) {
	tests := []struct{ key, plain, cipher []byte }{
		{unhex("88bca90e90875a7f0f79c384627bafb2"), unhex("0000000000000000"), unhex("2269552ab0f85ca6")},
		{unhex("ffffffffffffffff"), unhex("ffffffffffffffff"), unhex("278b27e42e2f0d49")},
		{unhex("3000000000000000"), unhex("1000000000000001"), unhex("30649edf9be7d2c2")},
	}
	for _, test := range tests {
		block, err := newRC2(test.key)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 8)
		block.Decrypt(got, test.cipher)
		if !bytes.Equal(got, test.plain) {
			t.Errorf("key %x: %x, want %x", test.key, got, test.plain)
		}
	}
}

func unhex(text string) []byte {
	number, _ := new(big.Int).SetString(text, 16)
	return number.FillBytes(make([]byte, len(text)/2))
}
