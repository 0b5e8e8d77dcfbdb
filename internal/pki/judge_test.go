package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"io"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// world is an authority with an RSA key, as public ones have it, and what it
// issues.
type world struct {
	root, inter made
	roots       *Roots
}

func newWorld(t testing.TB) world {
	t.Helper()
	root := newRoot(t, "root", withKey(rsaKeys[1]()))
	return world{root, newIntermediate(t, "intermediate", root, withKey(rsaKeys[1]())), new(Roots).With(root.Certificate)}
}

// bundleOf is what reading a file with these certificates would give.
func bundleOf(leaf made, chain ...made) *Bundle {
	arranged := arrange(leaf.Certificate, certificates(chain...))
	return &Bundle{Leaf: leaf.Certificate, Key: leaf.key, Intermediates: arranged.intermediates, Root: arranged.root}
}

// graded are codes with their severities.
func graded(findings Findings) []string {
	list := []string{}
	for _, finding := range findings {
		list = append(list, string(finding.Severity)+" "+finding.Code)
	}
	return list
}

func TestJudgeTheLeaf(t *testing.T) {
	w := newWorld(t)
	bigRSA := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), maxRSABits, 1), E: 65537}
	smallRSA := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 1023, 1), E: 65537}
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	usage := func(usages ...x509.ExtKeyUsage) change {
		return func(c *x509.Certificate) { c.ExtKeyUsage = usages }
	}
	many := slices.Repeat([]string{strings.Repeat("a", 60) + ".example.com"}, 250)

	tests := map[string]struct {
		leaf     []change
		criteria func(*Criteria)
		want     []string
	}{
		"nothing to say":         {nil, nil, []string{}},
		"expired":                {[]change{valid(today.AddDate(0, 0, -90), today.AddDate(0, 0, -1))}, nil, []string{"refusal expired"}},
		"expires at this second": {[]change{valid(today.AddDate(0, 0, -90), today)}, nil, []string{"warning expires-soon"}},
		"expired a second ago":   {[]change{valid(today.AddDate(0, 0, -90), today.Add(-time.Second))}, nil, []string{"refusal expired"}},
		"not yet valid":          {[]change{valid(today.Add(time.Second), today.AddDate(0, 0, 90))}, nil, []string{"refusal not-yet-valid"}},
		"29 days left":           {[]change{valid(today.AddDate(0, 0, -90), today.AddDate(0, 0, 29))}, nil, []string{"warning expires-soon"}},
		"31 days left":           {[]change{valid(today.AddDate(0, 0, -90), today.AddDate(0, 0, 31))}, nil, []string{}},
		"20 of 47 days left":     {[]change{valid(today.AddDate(0, 0, -27), today.AddDate(0, 0, 20))}, nil, []string{}},
		"soon is asked for":      {nil, func(c *Criteria) { c.Soon = 100 * day }, []string{"warning expires-soon"}},
		"200 days":               {[]change{valid(today, today.Add(200*day-time.Second))}, nil, []string{}},
		"201 days":               {[]change{valid(today, today.Add(201*day-time.Second))}, nil, []string{"note long-lifetime"}},
		"name in another case":   {nil, func(c *Criteria) { c.Names = []string{"GIS.Example.COM."} }, []string{}},
		"two names missing": {nil, func(c *Criteria) { c.Names = []string{"a.example.com", "gis.example.com", "b.example.com"} },
			[]string{"refusal name-not-covered", "refusal name-not-covered"}},
		"only a common name":    {[]change{named()}, nil, []string{"refusal name-not-covered"}},
		"client authentication": {[]change{usage(x509.ExtKeyUsageClientAuth)}, nil, []string{"refusal no-server-authentication"}},
		"any usage":             {[]change{usage(x509.ExtKeyUsageAny)}, nil, []string{}},
		"no extended usage":     {[]change{usage()}, nil, []string{}},
		"unknown extended usage": {[]change{func(c *x509.Certificate) {
			c.ExtKeyUsage, c.UnknownExtKeyUsage = nil, []asn1.ObjectIdentifier{{1, 2, 3}}
		}}, nil, []string{"refusal no-server-authentication"}},
		"key encipherment alone": {[]change{func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment }}, nil,
			[]string{"warning no-digital-signature"}},
		"authority": {[]change{func(c *x509.Certificate) { c.IsCA, c.BasicConstraintsValid = true, true }}, nil,
			[]string{"refusal ca-certificate"}},
		"RSA 1024":       {[]change{withKey(smallRSA)}, nil, []string{"refusal weak-key"}},
		"RSA 16385":      {[]change{withKey(bigRSA)}, nil, []string{"refusal key-not-accepted"}},
		"P-256":          {[]change{withKey(ecKey(t))}, nil, []string{"warning ec-key"}},
		"P-224":          {[]change{withKey(p224)}, nil, []string{"refusal key-not-accepted"}},
		"Ed25519":        {[]change{withKey(edwards)}, nil, []string{"refusal key-not-accepted"}},
		"250 long names": {[]change{named(append(many, "gis.example.com")...)}, nil, []string{"refusal too-large-for-gateway"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			leaf := newLeaf(t, w.inter, test.leaf...)
			if leaf.key == nil {
				leaf.key = onlyPublic{leaf.PublicKey}
			}
			criteria := Criteria{Now: today, Names: []string{"gis.example.com"}, Roots: w.roots}
			if test.criteria != nil {
				test.criteria(&criteria)
			}
			judgement := Judge(bundleOf(leaf, w.inter), criteria)
			if diff := cmp.Diff(test.want, graded(judgement.Findings)); diff != "" {
				t.Errorf("%s\n%+v", diff, judgement.Findings)
			}
			if !judgement.RootKnown || len(judgement.Chain) != 3 {
				t.Errorf("root known %v, chain %v", judgement.RootKnown, subjects(judgement.Chain))
			}
		})
	}
}

func TestJudgeTheChain(t *testing.T) {
	w := newWorld(t)
	signedWith := func(algorithm x509.SignatureAlgorithm) change {
		return func(c *x509.Certificate) { c.SignatureAlgorithm = algorithm }
	}
	stranger := newRoot(t, "stranger")
	private := newRoot(t, "private root")
	privateInter := newIntermediate(t, "private intermediate", private)
	alone := issue(t, nil, leafTemplate(), rsaKeys[0](), nil)
	sha1Root := newRoot(t, "sha-1 root", withKey(rsaKeys[1]()), signedWith(x509.SHA1WithRSA))
	unfit := newIntermediate(t, "for mail only", w.root, func(c *x509.Certificate) {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}
	})
	noAuthority := newIntermediate(t, "no authority", w.root, func(c *x509.Certificate) { c.IsCA = false })
	constrained := newIntermediate(t, "example.org only", w.root, func(c *x509.Certificate) {
		c.PermittedDNSDomains, c.PermittedDNSDomainsCritical = []string{"example.org"}, true
	})
	expired := newIntermediate(t, "expired", w.root, valid(today.AddDate(-3, 0, 0), today.AddDate(0, 0, -1)))
	expiring := newIntermediate(t, "expiring", w.root, valid(today.AddDate(-3, 0, 0), today.AddDate(0, 0, 40)))
	pss := newIntermediate(t, "pss", w.root, withKey(rsaKeys[1]()), signedWith(x509.SHA256WithRSAPSS))
	sha1 := newIntermediate(t, "sha-1", w.root, withKey(rsaKeys[1]()), signedWith(x509.SHA1WithRSA))

	strangeExtension := func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true, Value: []byte{5, 0}}}
	}
	strangeAlone := issue(t, nil, leafTemplate(), rsaKeys[0](), []change{strangeExtension})

	tests := map[string]struct {
		bundle  *Bundle
		roots   *Roots // w.roots unless given
		assume  bool
		want    []string
		unknown bool // the root is not expected to be known
	}{
		"complete":                    {bundle: bundleOf(newLeaf(t, w.inter), w.inter), want: []string{}},
		"with its root":               {bundle: bundleOf(newLeaf(t, w.inter), w.inter, w.root), want: []string{}},
		"issued by the root itself":   {bundle: bundleOf(newLeaf(t, w.root)), want: []string{}},
		"intermediate missing":        {bundle: bundleOf(newLeaf(t, w.inter)), want: []string{"refusal chain-incomplete"}, unknown: true},
		"assumed, but incomplete":     {bundle: bundleOf(newLeaf(t, w.inter)), assume: true, want: []string{"refusal chain-incomplete"}, unknown: true},
		"intermediate given as root":  {bundle: bundleOf(newLeaf(t, w.inter)), roots: new(Roots).With(w.inter.Certificate), want: []string{}},
		"private root":                {bundle: bundleOf(newLeaf(t, privateInter), privateInter, private), want: []string{"refusal root-not-known"}, unknown: true},
		"private root, assumed":       {bundle: bundleOf(newLeaf(t, privateInter), privateInter, private), assume: true, want: []string{"warning root-not-known"}, unknown: true},
		"private root, given":         {bundle: bundleOf(newLeaf(t, privateInter), privateInter, private), roots: w.roots.With(private.Certificate), want: []string{}},
		"another root is given":       {bundle: bundleOf(newLeaf(t, privateInter), privateInter, private), roots: w.roots.With(stranger.Certificate), want: []string{"refusal root-not-known"}, unknown: true},
		"self-signed":                 {bundle: bundleOf(alone), want: []string{"refusal self-signed"}, unknown: true},
		"self-signed, assumed":        {bundle: bundleOf(alone), assume: true, want: []string{"refusal self-signed"}, unknown: true},
		"self-signed, given":          {bundle: bundleOf(alone), roots: new(Roots).With(alone.Certificate), want: []string{"note self-signed"}},
		"intermediate expired":        {bundle: bundleOf(newLeaf(t, expired), expired), want: []string{"refusal intermediate-expired"}, unknown: true},
		"intermediate expires first":  {bundle: bundleOf(newLeaf(t, expiring), expiring), want: []string{"warning intermediate-expires-first"}},
		"pss on the leaf":             {bundle: bundleOf(newLeaf(t, w.inter, signedWith(x509.SHA256WithRSAPSS)), w.inter), want: []string{"refusal rsa-pss-signature"}},
		"pss on the intermediate":     {bundle: bundleOf(newLeaf(t, pss), pss), want: []string{"refusal rsa-pss-signature"}},
		"sha-1 on the leaf":           {bundle: bundleOf(newLeaf(t, w.inter, signedWith(x509.SHA1WithRSA)), w.inter), want: []string{"refusal weak-signature"}, unknown: true},
		"sha-1 on the intermediate":   {bundle: bundleOf(newLeaf(t, sha1), sha1), want: []string{"refusal weak-signature"}, unknown: true},
		"sha-1 on the root":           {bundle: bundleOf(newLeaf(t, sha1Root), sha1Root), roots: new(Roots).With(sha1Root.Certificate), want: []string{}},
		"authority for mail":          {bundle: bundleOf(newLeaf(t, unfit), unfit), want: []string{"refusal chain-invalid"}, unknown: true},
		"issuer that is no authority": {bundle: bundleOf(newLeaf(t, noAuthority), noAuthority), want: []string{"refusal chain-invalid"}, unknown: true},
		"names out of bounds":         {bundle: bundleOf(newLeaf(t, constrained), constrained), want: []string{"refusal chain-invalid"}, unknown: true},
		"mail authority, assumed": {bundle: mailBundle(t, private), assume: true,
			want: []string{"refusal chain-invalid", "warning root-not-known"}, unknown: true},
		"critical extension nobody knows": {bundle: bundleOf(newLeaf(t, w.inter, strangeExtension), w.inter), want: []string{"refusal chain-invalid"}, unknown: true},
		"the same, self-signed":           {bundle: bundleOf(strangeAlone), roots: new(Roots).With(strangeAlone.Certificate), want: []string{"refusal chain-invalid"}, unknown: true},
		"no roots at all":                 {bundle: bundleOf(newLeaf(t, w.inter), w.inter, w.root), roots: new(Roots), want: []string{"refusal root-not-known"}, unknown: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			criteria := Criteria{Now: today, Names: []string{"gis.example.com"}, Roots: test.roots, AssumeTrusted: test.assume}
			if criteria.Roots == nil {
				criteria.Roots = w.roots
			}
			judgement := Judge(test.bundle, criteria)
			if diff := cmp.Diff(test.want, graded(judgement.Findings)); diff != "" {
				t.Errorf("%s\n%+v", diff, judgement.Findings)
			}
			if judgement.RootKnown == test.unknown {
				t.Errorf("root known: %v", judgement.RootKnown)
			}
		})
	}
}

func mailBundle(t *testing.T, root made) *Bundle {
	inter := newIntermediate(t, "mail", root, func(c *x509.Certificate) {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}
	})
	return bundleOf(newLeaf(t, inter), inter, root)
}

// onlyPublic stands in for a private key where nothing is signed.
type onlyPublic struct{ crypto.PublicKey }

func (o onlyPublic) Public() crypto.PublicKey { return o.PublicKey }

func (o onlyPublic) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	panic("not for signing")
}
