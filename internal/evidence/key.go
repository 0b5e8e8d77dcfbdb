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
	signer ssh.Signer
	agent  net.Conn // nil for a key from a file
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
	return fit(&Key{signer: signer})
}

// agentKey finds the private half of a key at the agent.
func agentKey(public ssh.PublicKey, socket string) (*Key, error) {
	if socket == "" {
		return nil, errNoAgent
	}
	connection, err := net.Dial("unix", socket)
	if err != nil {
		return nil, fmt.Errorf("ssh-agent: %w", err)
	}
	_ = connection.SetDeadline(time.Now().Add(agentPatience))
	signers, err := agent.NewClient(connection).Signers()
	i := slices.IndexFunc(signers, func(s ssh.Signer) bool { return bytes.Equal(s.PublicKey().Marshal(), public.Marshal()) })
	switch {
	case err != nil:
		err = fmt.Errorf("ssh-agent: %w", err)
	case i < 0:
		err = errors.New("the ssh-agent does not have the private half of this key: ssh-add FILE")
	default:
		return fit(&Key{signer: signers[i], agent: connection})
	}
	return nil, errors.Join(err, connection.Close())
}

func fit(key *Key) (*Key, error) {
	if problem := unfit(key.signer.PublicKey()); problem != "" {
		return nil, errors.Join(errors.New(problem), key.Close())
	}
	return key, nil
}

// Close ends the connection to the agent, if there is one.
func (k *Key) Close() error {
	if k == nil || k.agent == nil {
		return nil
	}
	return k.agent.Close()
}

func (k *Key) sign(message []byte) (string, error) {
	if k.agent != nil {
		_ = k.agent.SetDeadline(time.Now().Add(agentPatience))
	}
	return sign(k.signer, message)
}

// public is the key as authorized_keys has it.
func (k *Key) public() string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k.signer.PublicKey())))
}
