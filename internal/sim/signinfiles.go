package sim

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/authority"
)

// workloadLife is as long as a cluster lets such a token live at most.
const workloadLife = 24 * time.Hour

// Names of files in a world's directory.
const (
	clientFile    = "client.pem"
	federatedFile = "federated-token"
)

// Person is somebody in world.json, without the password.
type Person struct {
	User     string `json:"user"`
	Name     string `json:"name"`
	ObjectID string `json:"objectId"`
	Rights   string `json:"rights"` // operator, reader or none
}

func (w *World) describePeople() []Person {
	var out []Person
	for _, p := range w.people {
		out = append(out, Person{User: p.User, Name: p.Name, ObjectID: p.ObjectID, Rights: w.rights[p.User]})
	}
	return out
}

func (w *World) describeSignIn(dir string) map[string]any {
	ways := map[string]any{"clientCertificate": filepath.Join(dir, clientFile), "federatedTokenFile": filepath.Join(dir, federatedFile)}
	if !w.options.Scripts { // see startMetadata
		ways["managedIdentity"] = map[string]string{"clientId": w.runners[0].ClientID, "objectId": w.runners[0].ObjectID}
	}
	return ways
}

// programKey signs for programs, as a client certificate and as the cluster of
// a workload. It is made when it is first needed, and once for all worlds of a
// process: making RSA keys takes time, and whose key it is does not matter.
var programKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// selfSigned is a certificate such as "az ad sp create-for-rbac --create-cert"
// makes.
func selfSigned(name string, now time.Time) (*authority.Issued, error) {
	key, err := programKey()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	return &authority.Issued{Leaf: leaf, Key: key}, err
}

// clientPEM is the certificate of the service principal with its key.
func (w *World) clientPEM() ([]byte, error) {
	issued, err := w.ClientCertificate()
	if err != nil {
		return nil, fmt.Errorf("certificate of the service principal: %w", err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(issued.Key)
	if err != nil {
		return nil, fmt.Errorf("key of the service principal: %w", err)
	}
	var out bytes.Buffer
	_ = pem.Encode(&out, &pem.Block{Type: "PRIVATE KEY", Bytes: key})
	_ = pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: issued.Leaf.Raw})
	return out.Bytes(), nil
}

func (w *World) signInFiles() ([]worldFile, error) {
	client, err := w.clientPEM()
	if err != nil {
		return nil, err
	}
	token, err := w.federatedToken()
	if err != nil {
		return nil, err
	}
	return []worldFile{{clientFile, client}, {federatedFile, []byte(token)}}, nil
}

// SignInEnvironment is Environment for another way to sign in than the secret:
// certificate, workload, managed, app-service or person (nothing but the
// tenant).
func (w *World) SignInEnvironment(way string) ([]Variable, error) {
	files, err := w.signInFiles()
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		if err := writeSecret(filepath.Join(w.dir, file.name), file.content); err != nil {
			return nil, fmt.Errorf("write the world's directory: %w", err)
		}
	}
	without := func(names ...string) []Variable {
		return slices.DeleteFunc(w.Environment(), func(v Variable) bool { return slices.Contains(names, v.Name) })
	}
	switch way {
	case "certificate":
		return append(without("AZURE_CLIENT_SECRET"), Variable{"AZURE_CLIENT_CERTIFICATE_PATH", filepath.Join(w.dir, clientFile)}), nil
	case "workload":
		return append(without("AZURE_CLIENT_SECRET", "AZURE_AUTHORITY_HOST"), Variable{"AZURE_FEDERATED_TOKEN_FILE", filepath.Join(w.dir, federatedFile)},
			Variable{"AZURE_AUTHORITY_HOST", "https://" + w.cloud.Login + "/"}), nil
	case "managed":
		if w.options.Scripts {
			return nil, errors.New("a world that runs scripts has no metadata service: every user of this computer could take its token")
		}
		return without("AZURE_CLIENT_SECRET", "AZURE_CLIENT_ID"), nil
	case "app-service":
		return append(without("AZURE_CLIENT_SECRET", "AZURE_CLIENT_ID"), Variable{"IDENTITY_ENDPOINT", "http://" + appServiceHost + ":8081/msi/token"}, Variable{"IDENTITY_HEADER", w.appService}), nil
	case "person":
		return without("AZURE_CLIENT_SECRET", "AZURE_CLIENT_ID"), nil
	}
	return nil, fmt.Errorf("there is no way to sign in called %q", way)
}
