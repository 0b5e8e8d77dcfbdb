package pki

import (
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"errors"
)

// walker goes through the parts of one PFX.
type walker struct {
	*contents
	meter   meter
	phrases []passphrase // spellings of the password that may still be right
	proved  bool         // a MAC or a decryption has shown which one is
}

func (w *walker) checkMAC(mac macData, safe []byte) error {
	if mac.Mac.Algorithm.Algorithm == nil {
		w.repairs.add(codeNoMAC, mendRewrite,
			"the file has no MAC, so that nobody can tell whether it was changed on its way; it was read all the same")
		return nil
	}
	return w.try(func(p passphrase) error { return w.meter.verify(mac, safe, p) })
}

// try offers every spelling of the password until one opens, and stays with it.
func (w *walker) try(open func(passphrase) error) error {
	for _, p := range w.phrases {
		err := open(p)
		if err == nil {
			w.phrases, w.proved = []passphrase{p}, true
		}
		if !errors.Is(err, errDoesNotOpen) {
			return err
		}
	}
	if w.proved {
		return defect(codeTwoPasswords, mendRewrite+"   # -twopass, if the two passwords are known",
			"the password is right for one part of the file and wrong for another: the file was made with two passwords, or is damaged")
	}
	return errDoesNotOpen
}

func (w *walker) decrypt(algorithm algorithmIdentifier, data []byte) (plain []byte, err error) {
	err = w.try(func(p passphrase) (err error) {
		plain, err = w.meter.decrypt(algorithm, data, p)
		return err
	})
	return plain, err
}

func (w *walker) part(part contentInfo) error {
	switch part.Type.String() {
	case oidData:
		var bags []byte
		if err := decode(part.Content.Bytes, &bags); err != nil {
			return err
		}
		return w.bags(bags, 0)
	case oidEncryptedData:
		var encrypted encryptedData
		if err := decode(part.Content.Bytes, &encrypted); err != nil {
			return err
		}
		data, err := joinPieces(encrypted.Content.Data.Bytes, encrypted.Content.Data.IsCompound)
		if err != nil {
			return broken(err)
		}
		bags, err := w.decrypt(encrypted.Content.Algorithm, data)
		if err != nil {
			return err
		}
		return w.bags(bags, 0)
	}
	return unsupportedEncryption("the protection of a part", part.Type)
}

func (w *walker) bags(data []byte, depth int) error {
	if depth > maxBagDepth {
		return damaged("its parts are nested too deeply")
	}
	var bags []safeBag
	if err := decode(data, &bags); err != nil {
		return err
	}
	for _, bag := range bags {
		var err error
		switch bag.ID.String() {
		case oidCertificateBag:
			err = w.certificate(bag.Value.Bytes)
		case oidKeyBag:
			err = w.key(bag.Value.Bytes)
		case oidShroudedKeyBag:
			var shrouded shroudedKey
			if err = decode(bag.Value.Bytes, &shrouded); err == nil {
				var plain []byte
				if plain, err = w.decrypt(shrouded.Algorithm, shrouded.Data); err == nil {
					err = w.key(plain)
				}
			}
		case oidSafeContentsBag:
			err = w.bags(bag.Value.Bytes, depth+1)
		}
		// Revocation lists and Java's secret keys are of no interest here.
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) certificate(data []byte) error {
	if len(w.certificates) >= maxCertificates {
		return defect(codeTooManyCertificates, mendRewrite, "the file holds more than %d certificates", maxCertificates)
	}
	var bag certificateBag
	if err := decode(data, &bag); err != nil {
		return err
	}
	if bag.Type.String() != oidX509InCertificate {
		return nil
	}
	certificate, err := x509.ParseCertificate(bag.Data)
	if err != nil {
		w.repairs.add(codeUnreadableEntry, mendRewrite, "a certificate in the file cannot be parsed and was left out")
		return nil
	}
	w.certificates = append(w.certificates, certificate)
	return nil
}

func (w *walker) key(pkcs8 []byte) error {
	if len(w.keys)+len(w.unsupported) >= maxKeys {
		return defect(codeSeveralKeys, mendSeveralKeys, "the file holds more than %d private keys", maxKeys)
	}
	var algorithm struct {
		Version   int
		Algorithm algorithmIdentifier
		Key       []byte
	}
	der, _, err := normaliseBER(pkcs8)
	if err != nil {
		return broken(err)
	}
	if _, err := asn1.Unmarshal(der, &algorithm); err != nil {
		return damaged("a private key in it cannot be parsed")
	}
	if len(der) <= maxKeySize {
		if parsed, err := x509.ParsePKCS8PrivateKey(der); err == nil {
			if signer, ok := parsed.(crypto.Signer); ok {
				w.keys = append(w.keys, signer)
				return nil
			}
		}
	}
	w.unsupported = append(w.unsupported, keyAlgorithmName(algorithm.Algorithm.Algorithm))
	return nil
}
