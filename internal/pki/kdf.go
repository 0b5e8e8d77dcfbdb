package pki

import (
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/asn1"
	"encoding/binary"
	"hash"
	"math/big"
	"strconv"
	"unicode/utf16"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// The iteration count in a file is chosen by whoever made the file. One count
// may be at most maxIterations (OpenSSL and Java write 2,048 to 100,000, NSS
// 600,000), and all derivations for one file together at most maxWork, a few
// seconds of one slow core. Both are checked before the first iteration.
const (
	maxIterations = 1_000_000
	maxWork       = 4_000_000
)

// meter counts the iterations that reading one file has cost.
type meter struct{ spent int }

// charge accepts an iteration count, or says why it will not be worked off.
func (m *meter) charge(count *big.Int) (int, error) {
	switch {
	case count == nil || count.Sign() <= 0:
		return 0, damaged("an iteration count is not positive")
	case !count.IsInt64() || count.Int64() > maxIterations:
		text := count.String()
		if count.BitLen() > 64 {
			text = "an absurd number of"
		}
		return 0, tooManyIterations(text)
	}
	if m.spent += int(count.Int64()); m.spent > maxWork {
		return 0, tooManyIterations("in all more than " + strconv.Itoa(maxWork))
	}
	return int(count.Int64()), nil
}

func tooManyIterations(count string) error {
	return defect(codeTooManyIterations, mendRewrite,
		"the file asks for %s iterations to derive a key from its password; the limit is %d", count, maxIterations)
}

// passphrase is a password in the two spellings that PKCS#12 uses.
type passphrase struct {
	bmp  []byte // big-endian UTF-16 with a final zero, for everything older than PBES2 (RFC 7292 B.1)
	utf8 string // for PBES2 and PBMAC1 (RFC 8018 section 3, RFC 9579)
}

// passphrases gives the ways in which programs have spelt this password, the
// correct one first.
func passphrases(password secret.Secret) []passphrase {
	text := password.Reveal()
	var units, octets []byte
	ascii := true
	for _, unit := range utf16.Encode([]rune(text)) {
		units = binary.BigEndian.AppendUint16(units, unit)
	}
	for i := range len(text) {
		octets = append(octets, 0, text[i])
		ascii = ascii && text[i] < 0x80
	}
	spellings := []passphrase{{bmp: append(units, 0, 0), utf8: text}}
	if text == "" {
		// Some writers leave out the final zero of an empty password.
		spellings = append(spellings, passphrase{})
	}
	if !ascii {
		// OpenSSL before 1.1.0 widened every octet of UTF-8 by itself.
		spellings = append(spellings, passphrase{bmp: append(octets, 0, 0), utf8: text})
	}
	return spellings
}

// digests are the hash functions that PKCS#12 names, by object identifier: as
// digest (for the MAC) and as HMAC (for PBKDF2).
var digests = map[string]func() hash.Hash{
	"1.3.14.3.2.26":          sha1.New,
	"2.16.840.1.101.3.4.2.4": sha256.New224,
	"2.16.840.1.101.3.4.2.1": sha256.New,
	"2.16.840.1.101.3.4.2.2": sha512.New384,
	"2.16.840.1.101.3.4.2.3": sha512.New,
}

var hmacs = map[string]func() hash.Hash{
	"1.2.840.113549.2.7":  sha1.New,
	"1.2.840.113549.2.8":  sha256.New224,
	"1.2.840.113549.2.9":  sha256.New,
	"1.2.840.113549.2.10": sha512.New384,
	"1.2.840.113549.2.11": sha512.New,
}

const oidPBKDF2 = "1.2.840.113549.1.5.12"

type pbkdf2Parameters struct {
	Salt       asn1.RawValue
	Iterations *big.Int
	KeyLength  int                 `asn1:"optional"`
	PRF        algorithmIdentifier `asn1:"optional"`
}

// pbkdf2Key derives a key as the parameters say. keyLength is what the cipher
// needs; zero takes the length from the parameters (PBMAC1).
func (m *meter) pbkdf2Key(kdf algorithmIdentifier, p passphrase, keyLength int) ([]byte, error) {
	if kdf.Algorithm.String() != oidPBKDF2 {
		return nil, unsupportedEncryption("the key derivation function", kdf.Algorithm)
	}
	var parameters pbkdf2Parameters
	if err := decode(kdf.Parameters.FullBytes, &parameters); err != nil {
		return nil, err
	}
	prf := sha1.New // the default of RFC 8018
	if parameters.PRF.Algorithm != nil {
		if prf = hmacs[parameters.PRF.Algorithm.String()]; prf == nil {
			return nil, unsupportedEncryption("the pseudo-random function", parameters.PRF.Algorithm)
		}
	}
	switch {
	case parameters.Salt.Class != asn1.ClassUniversal || parameters.Salt.Tag != asn1.TagOctetString:
		return nil, damaged("a salt is not an octet string")
	case keyLength == 0 && (parameters.KeyLength < 20 || parameters.KeyLength > 64):
		// A MAC key shorter than 20 octets can be guessed (RFC 9579 section 6).
		return nil, damaged("the key length of the MAC is out of range")
	case keyLength == 0:
		keyLength = parameters.KeyLength
	}
	iterations, err := m.charge(parameters.Iterations)
	if err != nil {
		return nil, err
	}
	key, err := pbkdf2.Key(prf, p.utf8, parameters.Salt.Bytes, iterations, keyLength)
	if err != nil {
		return nil, damaged("a key cannot be derived")
	}
	return key, nil
}

// What a key is derived for (RFC 7292 B.3).
const (
	purposeKey = 1
	purposeIV  = 2
	purposeMAC = 3
)

// pkcs12Key is the key derivation of RFC 7292 appendix B.2, used by everything
// older than PBES2.
func pkcs12Key(newHash func() hash.Hash, purpose byte, bmp, salt []byte, iterations, length int) []byte {
	h := newHash()
	block := h.BlockSize()

	diversifier := make([]byte, block)
	for i := range diversifier {
		diversifier[i] = purpose
	}
	input := append(fill(salt, block), fill(bmp, block)...)

	var key []byte
	for {
		h.Reset()
		h.Write(diversifier)
		h.Write(input)
		a := h.Sum(nil)
		for range iterations - 1 {
			h.Reset()
			h.Write(a)
			a = h.Sum(a[:0])
		}
		if key = append(key, a...); len(key) >= length {
			return key[:length]
		}
		// Every block of the input becomes itself + a + 1, modulo its size.
		b := fill(a, block)[:block]
		for start := 0; start < len(input); start += block {
			carry := 1
			for i := block - 1; i >= 0; i-- {
				carry += int(input[start+i]) + int(b[i])
				input[start+i] = byte(carry)
				carry >>= 8
			}
		}
	}
}

// fill repeats pattern up to the next multiple of size; nothing stays nothing.
func fill(pattern []byte, size int) []byte {
	if len(pattern) == 0 {
		return nil
	}
	length := (len(pattern) + size - 1) / size * size
	filled := make([]byte, length)
	for i := range filled {
		filled[i] = pattern[i%len(pattern)]
	}
	return filled
}
