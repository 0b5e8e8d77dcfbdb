package pki

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/asn1"
	"errors"
	"math/big"
)

// errDoesNotOpen means that a passphrase is not the one a part was encrypted
// or protected with.
var errDoesNotOpen = errors.New("the passphrase does not open this")

type algorithmIdentifier struct {
	Algorithm  asn1.ObjectIdentifier
	Parameters asn1.RawValue `asn1:"optional"`
}

// pbeCipher is a cipher of RFC 7292 appendix C.
type pbeCipher struct {
	keyLength int
	block     func(key []byte) (cipher.Block, error)
}

// pbeCiphers are the ones in use. The two RC4 ones and the DES ones of PKCS#5
// v1.5 are left out: nothing made in this century writes them.
var pbeCiphers = map[string]pbeCipher{
	"1.2.840.113549.1.12.1.3": {24, des.NewTripleDESCipher},
	"1.2.840.113549.1.12.1.4": {16, newTwoKeyTripleDES},
	"1.2.840.113549.1.12.1.5": {16, newRC2},
	"1.2.840.113549.1.12.1.6": {5, newRC2},
}

func newTwoKeyTripleDES(key []byte) (cipher.Block, error) {
	return des.NewTripleDESCipher(append(key[:16:16], key[:8]...))
}

// pbes2Ciphers are key lengths of AES in CBC mode.
var pbes2Ciphers = map[string]int{
	"2.16.840.1.101.3.4.1.2":  16,
	"2.16.840.1.101.3.4.1.22": 24,
	"2.16.840.1.101.3.4.1.42": 32,
}

const (
	oidPBES2  = "1.2.840.113549.1.5.13"
	oidPBMAC1 = "1.2.840.113549.1.5.14"
)

type pbeParameters struct {
	Salt       []byte
	Iterations *big.Int
}

type pbes2Parameters struct {
	KDF    algorithmIdentifier
	Cipher algorithmIdentifier
}

// decrypt opens one encrypted part, which must hold one ASN.1 element. It
// gives errDoesNotOpen when the passphrase is not the right one.
func (m *meter) decrypt(algorithm algorithmIdentifier, data []byte, p passphrase) ([]byte, error) {
	block, iv, err := m.cipherFor(algorithm, p)
	if err != nil {
		return nil, err
	}
	size := block.BlockSize()
	if len(iv) != size || len(data) == 0 || len(data)%size != 0 {
		return nil, damaged("an encrypted part has an impossible length")
	}
	plain := make([]byte, len(data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, data)

	padding := int(plain[len(plain)-1])
	if padding == 0 || padding > size {
		return nil, errDoesNotOpen
	}
	content, tail := plain[:len(plain)-padding], plain[len(plain)-padding:]
	if !bytes.Equal(tail, bytes.Repeat([]byte{byte(padding)}, padding)) {
		return nil, errDoesNotOpen
	}
	// Padding is right by chance once in 256; a whole ASN.1 element is not.
	if _, rest, err := normaliseBER(content); err != nil || len(rest) > 0 {
		return nil, errDoesNotOpen
	}
	return content, nil
}

func (m *meter) cipherFor(algorithm algorithmIdentifier, p passphrase) (cipher.Block, []byte, error) {
	if algorithm.Algorithm.String() == oidPBES2 {
		return m.pbes2CipherFor(algorithm, p)
	}
	scheme, known := pbeCiphers[algorithm.Algorithm.String()]
	if !known {
		return nil, nil, unsupportedEncryption("the encryption", algorithm.Algorithm)
	}
	var parameters pbeParameters
	if err := decode(algorithm.Parameters.FullBytes, &parameters); err != nil {
		return nil, nil, err
	}
	iterations, err := m.charge(parameters.Iterations)
	if err != nil {
		return nil, nil, err
	}
	block, err := scheme.block(pkcs12Key(sha1.New, purposeKey, p.bmp, parameters.Salt, iterations, scheme.keyLength))
	if err != nil {
		return nil, nil, damaged("a cipher cannot be set up")
	}
	return block, pkcs12Key(sha1.New, purposeIV, p.bmp, parameters.Salt, iterations, block.BlockSize()), nil
}

func (m *meter) pbes2CipherFor(algorithm algorithmIdentifier, p passphrase) (cipher.Block, []byte, error) {
	var parameters pbes2Parameters
	if err := decode(algorithm.Parameters.FullBytes, &parameters); err != nil {
		return nil, nil, err
	}
	keyLength, known := pbes2Ciphers[parameters.Cipher.Algorithm.String()]
	if !known {
		return nil, nil, unsupportedEncryption("the cipher", parameters.Cipher.Algorithm)
	}
	key, err := m.pbkdf2Key(parameters.KDF, p, keyLength)
	if err != nil {
		return nil, nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, nil, damaged("a cipher cannot be set up")
	}
	return block, parameters.Cipher.Parameters.Bytes, nil
}

type macData struct {
	Mac struct {
		Algorithm algorithmIdentifier
		Digest    []byte
	}
	Salt       []byte   `asn1:"optional"`
	Iterations *big.Int `asn1:"optional"`
}

type pbmac1Parameters struct {
	KDF algorithmIdentifier
	MAC algorithmIdentifier
}

// verify gives errDoesNotOpen when the MAC over content was not made with this passphrase.
func (m *meter) verify(mac macData, content []byte, p passphrase) error {
	algorithm := mac.Mac.Algorithm
	var key []byte
	newHash := digests[algorithm.Algorithm.String()]
	if algorithm.Algorithm.String() == oidPBMAC1 {
		var parameters pbmac1Parameters
		err := decode(algorithm.Parameters.FullBytes, &parameters)
		if err != nil {
			return err
		}
		if newHash = hmacs[parameters.MAC.Algorithm.String()]; newHash == nil {
			return unsupportedEncryption("the MAC", parameters.MAC.Algorithm)
		}
		if key, err = m.pbkdf2Key(parameters.KDF, p, 0); err != nil {
			return err
		}
	} else {
		if newHash == nil {
			return unsupportedEncryption("the MAC", algorithm.Algorithm)
		}
		count := mac.Iterations
		if count == nil {
			count = big.NewInt(1) // the default of RFC 7292
		}
		iterations, err := m.charge(count)
		if err != nil {
			return err
		}
		key = pkcs12Key(newHash, purposeMAC, p.bmp, mac.Salt, iterations, newHash().Size())
	}
	h := hmac.New(newHash, key)
	h.Write(content)
	if !hmac.Equal(h.Sum(nil), mac.Mac.Digest) {
		return errDoesNotOpen
	}
	return nil
}
