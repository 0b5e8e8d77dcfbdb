package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// Key signs evidence.
type Key struct {
	signer ssh.Signer // of a key from a file, else nil
	public ssh.PublicKey
	// socket is where the ssh-agent is that has the private half. It is asked anew
	// each time: between two signatures it may have been started again.
	socket string
}

// MaxKeyFile bounds a file with a key: an RSA key of 16384 bits takes 13 KiB.
const MaxKeyFile = 64 << 10

// agentPatience is how long the agent may take for a signature: somebody may have
// to touch a security key.
const agentPatience = 60 * time.Second

var (
	errAgeKey  = errors.New("this is an age key, which encrypts and cannot sign; make an SSH key: ssh-keygen -t ed25519 -f FILE")
	errNoAgent = errors.New("this is a public key, and there is no ssh-agent to sign with the private one: SSH_AUTH_SOCK is not set")
)

// OpenKey opens a key to sign with: a private key of SSH, for which passphrase is
// asked when it is encrypted, or a public one, whose private half the ssh-agent at
// the address socket has.
func OpenKey(data []byte, passphrase func() (secret.Secret, error), socket string) (*Key, error) {
	switch {
	case len(data) > MaxKeyFile:
		return nil, errors.New("too large for a key")
	case bytes.Contains(data, []byte("AGE-SECRET-KEY-")) || bytes.HasPrefix(bytes.TrimSpace(data), []byte("age1")):
		return nil, errAgeKey
	}
	if public, _, _, _, err := ssh.ParseAuthorizedKey(data); err == nil {
		return agentKey(public, socket)
	}
	raw, err := ssh.ParseRawPrivateKey(data)
	if missing := (*ssh.PassphraseMissingError)(nil); errors.As(err, &missing) {
		var given secret.Secret
		if given, err = passphrase(); err != nil {
			return nil, err
		}
		if raw, err = ssh.ParseRawPrivateKeyWithPassphrase(data, []byte(given.Reveal())); err != nil {
			return nil, errors.New("the passphrase does not open it") // the library's own words may quote what it has read
		}
	}
	if err != nil {
		return nil, errors.New("neither a private key of SSH (OpenSSH or PEM) nor a public one")
	}
	signer, err := ssh.NewSignerFromKey(raw)
	if err != nil {
		return nil, errors.New("a kind of key that cannot sign")
	}
	return fit(&Key{signer: signer, public: signer.PublicKey()})
}

// agentKey finds the private half of a key at the agent.
func agentKey(public ssh.PublicKey, socket string) (*Key, error) {
	if socket == "" {
		return nil, errNoAgent
	}
	err := askAgent(public, socket, func(ssh.Signer) error { return nil })
	if err != nil {
		return nil, err
	}
	return fit(&Key{public: public, socket: socket})
}

// askAgent lends the key that the agent has to use.
func askAgent(public ssh.PublicKey, socket string, use func(ssh.Signer) error) error {
	connection, err := net.Dial("unix", socket)
	if err != nil {
		return fmt.Errorf("ssh-agent: %w", err)
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(agentPatience))
	signers, err := agent.NewClient(connection).Signers()
	if err != nil {
		return fmt.Errorf("ssh-agent: %w", err)
	}
	i := slices.IndexFunc(signers, func(s ssh.Signer) bool { return bytes.Equal(s.PublicKey().Marshal(), public.Marshal()) })
	if i < 0 {
		return errors.New("the ssh-agent does not have the private half of this key: ssh-add FILE")
	}
	return use(signers[i])
}

func fit(key *Key) (*Key, error) {
	if problem := unfit(key.public); problem != "" {
		return nil, errors.New(problem)
	}
	return key, nil
}

func (k *Key) sign(message []byte) (signature string, err error) {
	if k.signer != nil {
		return sign(k.signer, message)
	}
	err = askAgent(k.public, k.socket, func(signer ssh.Signer) error {
		signature, err = sign(signer, message)
		return err
	})
	return signature, err
}

// authorized is the public key as authorized_keys has it.
func (k *Key) authorized() string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k.public)))
}

// String names the key as a signer: its kind and fingerprint.
func (k *Key) String() string { return k.public.Type() + " " + ssh.FingerprintSHA256(k.public) }
