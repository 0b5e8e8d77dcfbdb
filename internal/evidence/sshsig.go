package evidence

import (
	"bytes"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// Namespace keeps a signature that was made for something else, a commit or a
// mail, from being taken for one of evidence.
const Namespace = "cartouche-evidence"

// The format is that of "ssh-keygen -Y sign", so that "ssh-keygen -Y verify"
// reads it. Source: PROTOCOL.sshsig of OpenSSH.
const (
	magic       = "SSHSIG"
	sigVersion  = 1
	armorBegin  = "-----BEGIN SSH SIGNATURE-----"
	armorEnd    = "-----END SSH SIGNATURE-----"
	armorWidth  = 70 // as ssh-keygen breaks it
	maxArmor    = 64 << 10
	hashOfBody  = "sha512"
	certAlgoTag = "-cert-v01@openssh.com"
)

// signature is the blob inside of the armour, after its magic preamble and version.
type signature struct {
	PublicKey []byte
	Namespace string
	Reserved  string
	Hash      string
	Signature []byte
}

// signed is what the key really signs: it binds the namespace to the hash.
func signed(message []byte) []byte {
	sum := sha512.Sum512(message)
	return append([]byte(magic), ssh.Marshal(struct {
		Namespace, Reserved, Hash string
		Sum                       []byte
	}{Namespace, "", hashOfBody, sum[:]})...)
}

// sign makes the armoured signature of a message.
func sign(signer ssh.Signer, message []byte) (string, error) {
	var made *ssh.Signature
	var err error
	if signer.PublicKey().Type() == ssh.KeyAlgoRSA { // SHA-1 is what RSA keys use otherwise, which PROTOCOL.sshsig forbids
		able, ok := signer.(ssh.AlgorithmSigner)
		if !ok {
			return "", errors.New("this RSA key cannot sign with SHA-512")
		}
		made, err = able.SignWithAlgorithm(rand.Reader, signed(message), ssh.KeyAlgoRSASHA512)
	} else {
		made, err = signer.Sign(rand.Reader, signed(message))
	}
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	blob := binary.BigEndian.AppendUint32([]byte(magic), sigVersion)
	blob = append(blob, ssh.Marshal(signature{
		PublicKey: signer.PublicKey().Marshal(), Namespace: Namespace, Hash: hashOfBody, Signature: ssh.Marshal(made),
	})...)
	return armor(blob), nil
}

func armor(blob []byte) string {
	var text strings.Builder
	text.WriteString(armorBegin + "\n")
	for line := range slices.Chunk([]byte(base64.StdEncoding.EncodeToString(blob)), armorWidth) {
		text.Write(line)
		text.WriteByte('\n')
	}
	text.WriteString(armorEnd + "\n")
	return text.String()
}

// checkSignature verifies an armoured signature of a message and gives the key
// that made it. Whose key that is, is another question.
func checkSignature(armored string, message []byte) (ssh.PublicKey, error) {
	blob, err := unarmor(armored)
	if err != nil {
		return nil, err
	}
	rest, ok := bytes.CutPrefix(blob, []byte(magic))
	if !ok || len(rest) < 4 || binary.BigEndian.Uint32(rest) != sigVersion {
		return nil, errors.New("not an SSH signature of version 1")
	}
	var parts signature
	if err := ssh.Unmarshal(rest[4:], &parts); err != nil {
		return nil, errors.New("the SSH signature is cut or damaged")
	}
	switch {
	case parts.Namespace != Namespace:
		return nil, fmt.Errorf("the signature was made for %.60q, not for %q", parts.Namespace, Namespace)
	case parts.Reserved != "" || parts.Hash != hashOfBody:
		return nil, fmt.Errorf("the signature is over a hash of the kind %.20q, and evidence is signed over %s", parts.Hash, hashOfBody)
	}
	key, err := ssh.ParsePublicKey(parts.PublicKey)
	if err != nil {
		return nil, errors.New("the key in the signature cannot be read")
	}
	var made ssh.Signature
	if err := ssh.Unmarshal(parts.Signature, &made); err != nil {
		return nil, errors.New("the SSH signature is cut or damaged")
	}
	if problem := unfit(key); problem != "" {
		return nil, errors.New(problem)
	}
	if made.Format == ssh.KeyAlgoRSA {
		return nil, errors.New("the signature is by RSA with SHA-1, which proves nothing")
	}
	if err := key.Verify(signed(message), &made); err != nil {
		return nil, errors.New("the signature is not of this content")
	}
	return key, nil
}

// unfit says why a key is no good for signing evidence, "" when it is.
func unfit(key ssh.PublicKey) string {
	switch kind := key.Type(); {
	case strings.HasSuffix(kind, certAlgoTag):
		return "certificates of SSH are not read: sign with the plain key"
	case kind == "ssh-dss":
		return "DSA keys are too weak"
	case kind == ssh.KeyAlgoRSA && rsaBits(key) < 2048:
		return "an RSA key of less than 2048 bits is too weak"
	}
	return ""
}

// rsaBits is the length of the modulus, which stands last in the key's own form.
func rsaBits(key ssh.PublicKey) int {
	var form struct {
		Kind string
		E, N []byte
	}
	if ssh.Unmarshal(key.Marshal(), &form) != nil {
		return 0
	}
	return 8 * len(bytes.TrimLeft(form.N, "\x00"))
}

func unarmor(text string) ([]byte, error) {
	if len(text) > maxArmor {
		return nil, fmt.Errorf("a signature of %d bytes", len(text))
	}
	body, ok := strings.CutPrefix(strings.TrimSpace(text), armorBegin)
	if ok {
		body, ok = strings.CutSuffix(body, armorEnd)
	}
	if !ok {
		return nil, errors.New("not an SSH signature: its first or last line is missing")
	}
	blob, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(body), ""))
	if err != nil {
		return nil, errors.New("not an SSH signature: its text is not base64")
	}
	return blob, nil
}
