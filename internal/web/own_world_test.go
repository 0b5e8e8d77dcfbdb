package web

import (
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/sim/authority"
)

// own is an authority of the person's own in the world of the stage.
func (st *machinesStage) own(t *testing.T) *authority.Issuer {
	t.Helper()
	issuer, err := st.world.Authority().NewInternal("Company Root", "Company", 5)
	if err != nil {
		t.Fatal(err)
	}
	return issuer
}

// issued is a .pfx of that authority.
func (st *machinesStage) issued(t *testing.T, by *authority.Issuer, password string, names ...string) []byte {
	t.Helper()
	issued, err := st.world.Authority().Issue(authority.Spec{Names: names, Key: "rsa2048", Via: by, WithRoot: true, NotAfter: time.Now().AddDate(0, 0, 300)})
	if err != nil {
		t.Fatal(err)
	}
	file, err := issued.PFX(password)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// machineNames are what the machines call themselves.
func (st *machinesStage) machineNames() (names []string) {
	for _, m := range st.world.Deployments()[0].Machines {
		names = append(names, strings.ToLower(m.FQDN))
	}
	return names
}

// replacedBy replaces the certificates of the machines by what a form gives.
func (st *machinesStage) replacedBy(t *testing.T, values map[string]string, files map[string][]byte, secrets ...string) journal.Run {
	t.Helper()
	machines := st.page + "/machines"
	_, body := st.send(t, machines+"/certificates", values, files)
	st.wantPage(t, body, machines+"/logins")
	_, body = st.login(t, machines+"/logins", st.password)
	st.wantPage(t, body, machines+"/review", "Replace the certificates</button>")
	_, again := st.open(t, machines+"/certificates")
	for _, secret := range append(secrets, st.password) {
		if strings.Contains(body+again, secret) {
			t.Error("a page holds a secret")
		}
	}
	st.send(t, machines+"/review", map[string]string{"plan": answerOf.FindStringSubmatch(body)[1]}, nil)
	run := st.latest(t)
	if run.Outcome != string(rotation.Verified) {
		t.Fatalf("run %s ended as %s: %s", run.ID, run.Outcome, run.Summary)
	}
	return run
}

// A company's own authority issues for the machines; then files for each product
// take their place, all by the pages.
func TestMachinesGetCertificatesOfACompanysOwn(t *testing.T) {
	t.Parallel()
	st := newMachinesStage(t)
	company := st.own(t)
	pem := company.KeyPEM()
	secret := strings.Split(strings.TrimSpace(string(pem)), "\n")[1]
	_, body := st.send(t, st.page+"/machines/certificates", map[string]string{"source": "ca"}, map[string][]byte{"ca": company.PEM()})
	st.wantPage(t, body, "/machines/certificates", "private key")
	st.replacedBy(t, map[string]string{"source": "ca", "days": "120"}, map[string][]byte{"ca": company.PEM(), "ca-key": pem}, secret)

	const password = "internal-password-7261"
	names := st.machineNames()
	files := map[string][]byte{"pfx-portal": st.issued(t, company, password, names...), "pfx-server": st.issued(t, company, password, names...), "pfx-": st.issued(t, company, password, names...)}
	run := st.replacedBy(t, map[string]string{"source": "pfx", "pfx-password": password}, files, password)
	if whole, err := st.options.App.WholeRun(t.Context(), run.ID); err != nil || !strings.Contains(string(whole.Plan), "Company Root") {
		t.Errorf("the plan does not say whose certificates they are (%v): %s", err, whole.Plan)
	}
}

// A certificate of an authority that nobody knows is refused, and accepted with the
// authority named; the machines, which can be asked here, are told first.
func TestARenewalByACompanysOwnAuthority(t *testing.T) {
	t.Parallel()
	st := newMachinesStage(t)
	company := st.own(t)
	d := st.world.Deployments()[0]
	file := map[string][]byte{"pfx": st.issued(t, company, "x", d.Domain)}
	base := st.toCertificate(t)
	_, body := st.send(t, base+"/certificate", map[string]string{"from": "file", "password": "x"}, file)
	st.wantPage(t, body, "/certificate", "can be used if the machines know its authority", "root-not-known", "More choices")
	_, body = st.send(t, base+"/choices", map[string]string{"from": "file"}, map[string][]byte{"roots": company.KeyPEM()})
	st.wantPage(t, body, "/certificate", "holds no certificates")
	_, body = st.send(t, base+"/choices", map[string]string{"from": "file", "reach": "direct"}, map[string][]byte{"roots": company.PEM()})
	st.wantPage(t, body, "/certificate", "pfx.pfx can be used", "Used now: roots.pfx")
	_, _ = st.send(t, base+"/choices", map[string]string{"from": "file", "no-roots": "yes"}, map[string][]byte{}) // they do not know it
	_, _ = st.send(t, base+"/certificate/use", nil, nil)
	_, body = st.send(t, base+"/credentials", map[string]string{"site-admin": st.admin, "site-admin-password": st.password}, nil)
	st.wantPage(t, body, "/review", "Company Root", "imported there before it is served", "Renew the certificate")
	st.send(t, base+"/go", map[string]string{"plan": answerOf.FindStringSubmatch(body)[1]}, nil)
	if run := st.latest(t); run.Outcome != string(rotation.Verified) {
		t.Fatalf("run %s ended as %s: %s", run.ID, run.Outcome, run.Summary)
	}
}
