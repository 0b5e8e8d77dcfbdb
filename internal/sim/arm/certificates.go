package arm

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"strings"

	"github.com/smallstep/pkcs7"

	"github.com/cartouche-gis/cartouche/internal/sim/authority"
)

// opened is the content of the certificate entries that came with data.
type opened struct {
	keys   map[string]tls.Certificate // by entry name in lower case
	failed *failure
}

// openCertificates takes data and passwords out of the certificate entries of
// a body and opens them. PKCS#12 is slow on purpose, so this runs without the
// lock; what it finds wrong is told in its turn.
// Source: error codes from field reports.
func openCertificates(body map[string]any) opened {
	out := opened{keys: map[string]tls.Certificate{}}
	for _, entry := range children(body, "sslCertificates") {
		name, _ := entry["name"].(string)
		properties := object(entry, "properties")
		data, _ := properties["data"].(string)
		password, hasPassword := properties["password"].(string)
		delete(properties, "data")
		delete(properties, "password")
		if data == "" || out.failed != nil {
			continue
		}
		if !hasPassword {
			// guess: the text is reported, the code is not.
			out.failed = fail(http.StatusBadRequest, "ApplicationGatewaySslCertificatePasswordMustBeSpecified", "Password not specified for certificate %s.", entryID(body, name))
			continue
		}
		pair, err := readPFX(data, password)
		if err != nil {
			out.failed = fail(http.StatusBadRequest, "ApplicationGatewaySslCertificateInvalidData", "Data or Password for certificate %s is invalid.", entryID(body, name))
			continue
		}
		out.keys[strings.ToLower(name)] = pair
	}
	return out
}

// settleCertificates decides on the key of every entry: that of its data,
// else what the gateway has under its name.
// Source: azure-cli's "ssl-cert create", which sends the other entries back
// without data; error codes from field reports.
func settleCertificates(body map[string]any, fresh opened, have map[string]tls.Certificate) (map[string]tls.Certificate, *failure) {
	if fresh.failed != nil {
		return nil, fresh.failed
	}
	keys := map[string]tls.Certificate{}
	for _, entry := range children(body, "sslCertificates") {
		name, _ := entry["name"].(string)
		key := strings.ToLower(name)
		vault, _ := object(entry, "properties")["keyVaultSecretId"].(string)
		pair, isFresh := fresh.keys[key]
		if !isFresh {
			var known bool
			pair, known = have[key]
			if vault != "" && !known {
				continue // the operation reads it
			}
			if !known {
				return nil, fail(http.StatusBadRequest, "ApplicationGatewaySslCertificateDataMustBeSpecified", "Either Data or KeyVaultSecretId must be specified for Certificate %s.", entryID(body, name))
			}
		}
		keys[key] = pair
	}
	for _, entry := range children(body, "trustedRootCertificates") {
		name, _ := entry["name"].(string)
		properties := object(entry, "properties")
		data, _ := properties["data"].(string)
		// Source: Azure REST reference, ApplicationGatewayTrustedRootCertificate:
		// either data or keyVaultSecretId.
		if properties["keyVaultSecretId"] == nil && !isCertificate(data) {
			return nil, fail(http.StatusBadRequest, "ApplicationGatewayTrustedRootCertificateInvalidData", "Data for certificate %s/trustedRootCertificates/%s is invalid.", body["id"], name)
		}
	}
	return keys, nil
}

func entryID(body map[string]any, name string) string {
	id, _ := body["id"].(string)
	return id + "/sslCertificates/" + name
}

// readPFX opens base64 of a PFX.
func readPFX(data, password string) (tls.Certificate, error) {
	file, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return tls.Certificate{}, err
	}
	read, err := authority.ReadPFX(file, password)
	if err != nil {
		return tls.Certificate{}, err
	}
	return read.TLS(), nil
}

// showPublic puts the public part of a certificate into its entry: PKCS#7 with
// the chain on v2, the plain certificate on v1.
// Source: field reports of publicCertData ("MIIJbwYJKoZIhvcNAQcC…" on v2,
// "MIIDiDCC…" on v1).
func showPublic(properties map[string]any, pair tls.Certificate, v1 bool) {
	delete(properties, "publicCertData") // what a client sends back is not believed
	if len(pair.Certificate) == 0 {
		return
	}
	if v1 {
		properties["publicCertData"] = base64.StdEncoding.EncodeToString(pair.Certificate[0])
		return
	}
	var all []byte
	for _, der := range pair.Certificate {
		all = append(all, der...)
	}
	signed, err := pkcs7.DegenerateCertificate(all)
	if err == nil {
		properties["publicCertData"] = base64.StdEncoding.EncodeToString(signed)
	}
}

// isCertificate accepts base64 of DER or of PEM, as the portal uploads either.
func isCertificate(data string) bool {
	raw, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return false
	}
	if block, _ := pem.Decode(raw); block != nil {
		raw = block.Bytes
	}
	_, err = x509.ParseCertificate(raw)
	return err == nil
}
