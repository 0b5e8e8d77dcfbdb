package machine_test

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/sim/authority"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
	"github.com/cartouche-gis/cartouche/internal/sim/site"
)

// The exchanges that go wrong, or otherwise than one would think, in practice.
// The numbers are those of the simulator's specification, §14.3.

// 1: a machine that never had another certificate than its own.
func TestFirstRealCertificate(t *testing.T) {
	t.Parallel()
	for product, builtIn := range map[string]string{site.Server: "selfsignedcertificate", site.Portal: "portal"} {
		t.Run(product, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, product, "11.5", func(s *site.Spec) { s.Alias = builtIn })
			next := b.issue("m1.example.net")
			seen := b.must(machine.TaskDone, install(t, "first", next), activate("first", next)).Components[0]
			if served(t, seen) != pki.Fingerprint(next.Leaf) {
				t.Errorf("serves %s", served(t, seen))
			}
			// What Esri's break-glass procedures go back to stays.
			b.fails(machine.CodeInUse, remove(builtIn))
		})
	}
}

// 1, on 12.1: the certificate of the installation is not overwritten in place.
func TestTheBuiltInCertificateIsNotReplaced(t *testing.T) {
	t.Parallel()
	b := newBench(t, site.Server, "12.1", func(s *site.Spec) { s.Alias = "SelfSignedCertificate" })
	b.fails(machine.CodeNotInPlace, replace(t, b.issue("m1.example.net")))
}

// 3: Esri's DSC leaves a machine on "…-temp" when its second import fails. It
// is rotated like any other, and the alias that DSC meant is free again.
func TestAMachineThatDSCLeftOnItsTemporaryAlias(t *testing.T) {
	t.Parallel()
	b := newBench(t, site.Server, "11.3", func(s *site.Spec) { s.Alias = "ApplicationGateway-temp" })
	next := b.issue("m1.example.net")
	report := b.must(machine.TaskDone, install(t, "ApplicationGateway", next), activate("ApplicationGateway", next), remove("applicationgateway-temp"))
	if before := report.Tasks[1].Before; before != "applicationgateway-temp" {
		t.Errorf("before it was %q", before)
	}
	if seen := report.Components[0]; served(t, seen) != pki.Fingerprint(next.Leaf) {
		t.Errorf("serves %s", served(t, seen))
	}
}

// 4: what a run that died has left is taken up; what somebody else has put
// under the alias is not touched.
func TestAnAliasThatIsThereAlready(t *testing.T) {
	t.Parallel()
	for _, product := range []string{site.Server, site.Portal, site.Notebook} {
		for _, version := range []string{"10.9.1", "12.0"} { // an old portal answers the second import with a page
			t.Run(name(product, version), func(t *testing.T) {
				t.Parallel()
				b := newBench(t, product, version)
				next, other := b.issue("m1.example.net"), b.issue("m1.example.net")
				b.must(machine.TaskDone, install(t, "left-over", next))
				b.must(machine.TaskAlready, install(t, "Left-Over", next))
				b.fails(machine.CodeAliasTaken, install(t, "left-over", other))
				b.fails(machine.CodeAliasTaken, activate("left-over", other))
				b.fails(machine.CodeAliasTaken, trust("left-over", b.company))
				if seen := b.do().Components[0]; entryOf(t, seen, "left-over").SHA256 != pki.Fingerprint(next.Leaf) {
					t.Error("the entry was changed")
				}
			})
		}
	}
}

// 5: the restart swallows the answer to the change that asked for it.
func TestTheAnswerToAnActivationIsLost(t *testing.T) {
	t.Parallel()
	for _, product := range products {
		t.Run(product, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, product, "11.5", func(s *site.Spec) { s.Options.DropAnswer = true })
			next := b.issue("m1.example.net")
			report := b.must(machine.TaskDone, install(t, "new", next), activate("new", next))
			if served(t, report.Components[0]) != pki.Fingerprint(next.Leaf) || b.restarts() != 1 {
				t.Errorf("serves %s after %d restarts", served(t, report.Components[0]), b.restarts())
			}
		})
	}
}

// 6: a machine that does not come back.
func TestARestartThatNeverEnds(t *testing.T) {
	t.Parallel()
	b := newBench(t, site.Server, "11.5")
	b.job.Patience = time.Second
	b.ground.Faults.Add(ground.Fault{Name: "machine-does-not-return", Step: "restart", Times: 1})
	next := b.issue("m1.example.net")
	report := b.do(install(t, "new", next), activate("new", next), remove("applicationgateway"))
	result := report.Tasks[1]
	if result.State != machine.TaskFailed || result.Code != machine.CodeRestartNeverEnded || !result.Unsure || !result.Restarted {
		t.Errorf("activation: %+v", result)
	}
	if report.Tasks[2].State != machine.TaskSkipped {
		t.Errorf("what comes after it is %s, want skipped", report.Tasks[2].State)
	}
	if seen := report.Components[0]; seen.WireTrouble == "" || seen.TroubleCode != machine.CodeUnreachable || seen.Healthy {
		t.Errorf("seen: wire %q, %s, healthy %v", seen.WireTrouble, seen.TroubleCode, seen.Healthy)
	}
}

// 7: an import with a password that was not understood answers success and
// stores nothing.
func TestAnImportThatStoresNothing(t *testing.T) {
	t.Parallel()
	for _, product := range products {
		t.Run(product, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, product, "11.5", func(s *site.Spec) { s.Options.SilentBadPassword = true })
			task := broken(t, b)
			result := b.fails(machine.CodeImportVanished, task)
			if result.Unsure {
				t.Error("it is sure: it was looked at")
			}
		})
	}
}

// 7, as most versions answer it.
func TestAnImportThatIsRefused(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"10.9.1", "11.5"} {
		for _, product := range products {
			t.Run(name(product, version), func(t *testing.T) {
				t.Parallel()
				b := newBench(t, product, version)
				if result := b.fails(machine.CodeRefused, broken(t, b)); result.Unsure {
					t.Error("it is sure: it was looked at")
				}
			})
		}
	}
}

// broken is an installation of a file that is sound to us and that the machine
// does not understand: it has a password and no MAC to check it by.
func broken(t *testing.T, b *bench) machine.Task {
	t.Helper()
	next := b.issue("m1.example.net")
	file, err := pkcs12.Passwordless.Encode(next.Key, next.Leaf, next.Chain, "")
	if err != nil {
		t.Fatal(err)
	}
	task := install(t, "new", next)
	task.PFX = secret.New(string(file))
	return task
}

// 7: so a password with other characters than letters and digits is not sent.
// The file that is sent instead is written as old releases read it, by which
// it is known here.
func TestAPasswordThatAProductMayNotUnderstand(t *testing.T) {
	t.Parallel()
	b := newBench(t, site.Server, "10.9.1", func(s *site.Spec) { s.Options.OldPKCS12 = true })
	next := b.issue("m1.example.net")
	for alias, password := range map[string]string{"plain": "Alnum0nly", "special": "n!cht@#nur"} {
		file, err := pkcs12.Modern.Encode(next.Key, next.Leaf, next.Chain, password)
		if err != nil {
			t.Fatal(err)
		}
		task := install(t, alias, next)
		task.PFX, task.PFXPassword = secret.New(string(file)), secret.New(password)
		if alias == "plain" {
			b.fails(machine.CodeRefused, task)
			continue
		}
		b.must(machine.TaskDone, task)
	}
}

// 8: a file with the leaf alone.
func TestAFileWithoutItsChain(t *testing.T) {
	t.Parallel()
	b := newBench(t, site.Server, "11.5")
	next, err := b.authority.Issue(authority.Spec{Names: []string{"m1.example.net"}, Key: "p256", Via: b.company, WithoutChain: true})
	if err != nil {
		t.Fatal(err)
	}
	task := install(t, "alone", next)
	task.WithChain = true
	seen := b.must(machine.TaskDone, task, activate("alone", next)).Components[0]
	if len(seen.Chain) != 1 {
		t.Errorf("%d certificates are served, want the leaf", len(seen.Chain))
	}
}

// 2, from 11.3 on: the authorities in the file become entries of their own if
// that is asked for, and only then, although it is the default.
func TestTheChainOfAFile(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		product, version string
		chain            bool
		want             string
	}{
		{site.Server, "11.3", true, "applicationgateway new new_root selfsignedcertificate"},
		{site.Server, "11.3", false, "applicationgateway new selfsignedcertificate"},
		{site.Server, "11.1", true, "applicationgateway new selfsignedcertificate"},
		{site.Portal, "12.0", true, "applicationgateway new new_root portal"},
		{site.Portal, "12.0", false, "applicationgateway new portal"},
		{site.Video, "12.0", true, "applicationgateway new new_root selfsignedcertificate"},
		{site.Notebook, "12.0", true, "applicationgateway new selfsignedcertificate"},
	} {
		t.Run(name(row.product, row.version), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, row.product, row.version)
			task := install(t, "new", b.issue("m1.example.net"))
			task.WithChain = row.chain
			if got := aliases(b.must(machine.TaskDone, task).Components[0]); got != row.want {
				t.Errorf("keystore: %s, want %s", got, row.want)
			}
		})
	}
}

// 9: two portal machines; each is spoken to by itself, and knows its role.
func TestTwoPortalMachines(t *testing.T) {
	t.Parallel()
	b := newBench(t, site.Portal, "11.5", func(s *site.Spec) {
		s.Machines = []site.MachineSpec{{Name: "m1.example.net", Role: "primary"}, {Name: "m2.example.net", Role: "standby"}}
	})
	next, err := b.authority.Issue(authority.Spec{Names: []string{"m1.example.net", "m2.example.net"}, Key: "p256", Via: b.company, WithRoot: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ host, role string }{{"m2.example.net", "standby"}, {"m1.example.net", "primary"}} {
		b.job.Host = row.host
		seen := b.must(machine.TaskDone, install(t, "both", next), activate("both", next)).Components[0]
		if seen.Role != row.role || !strings.EqualFold(seen.MachineName, row.host) || len(seen.Peers) != 2 || seen.Alias != "both" {
			t.Errorf("%s: %s, %s of %v, alias %s", row.host, seen.Role, seen.MachineName, seen.Peers, seen.Alias)
		}
	}
	if b.restarts() != 2 {
		t.Errorf("%d restarts, want one of each", b.restarts())
	}
}

// 9, at a Server: a site knows its machines in one spelling, and is dialled by another.
func TestTheMachineIsFoundInItsSite(t *testing.T) {
	t.Parallel()
	b := newBench(t, site.Server, "11.5", func(s *site.Spec) {
		s.Machines = []site.MachineSpec{{Name: "m1.example.net"}, {Name: "m2.example.net", Names: []string{"m2.other.example"}}}
	})
	b.job.Host, b.job.Pins = "m2.other.example", []string{served(t, b.seeAs("m2.example.net"))}
	if seen := b.do().Components[0]; seen.MachineName != "M2.EXAMPLE.NET" || seen.Trouble != "" {
		t.Errorf("found %q (%s)", seen.MachineName, seen.Trouble)
	}
}

// seeAs looks at the machine under another name.
func (b *bench) seeAs(host string) machine.Seen {
	job := b.job
	job.Host = host
	return b.worker.Do(b.t.Context(), job).Components[0]
}

// 11: a token that ends in the middle of a job is got anew.
func TestATokenThatEndsMeanwhile(t *testing.T) {
	t.Parallel()
	for _, product := range products {
		t.Run(product, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, product, "11.5")
			b.ground.Faults.Add(ground.Fault{Name: "expired-token", Step: product + "-admin", Times: 1})
			next := b.issue("m1.example.net")
			b.must(machine.TaskDone, install(t, "new", next))
			// Once more, now for the changes of a second job.
			b.ground.Faults.Add(ground.Fault{Name: "expired-token", Step: product + "-admin", Times: 1})
			if seen := b.must(machine.TaskDone, trust("root", b.company), activate("new", next)).Components[0]; seen.Trouble != "" {
				t.Error(seen.Trouble)
			}
		})
	}
}

// 12: a page where JSON was asked for is no answer.
func TestAPageInPlaceOfAnAnswer(t *testing.T) {
	t.Parallel()
	for _, product := range []string{site.Portal, site.Server} {
		t.Run(product, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, product, "11.5")
			b.ground.Faults.Add(ground.Fault{Name: "unavailable", Step: product + "-token", Times: 1})
			result := b.fails(machine.CodeUnreachable, remove("anything"))
			if !strings.Contains(result.Detail, "Service Unavailable") {
				t.Errorf("it does not say what the page says: %s", result.Detail)
			}
			b.must(machine.TaskAlready, remove("anything"))
		})
	}
}

// 13: 10.7, where entries do not say of which type they are, and a portal has
// one keystore for its site. What may have a private key is not overwritten.
func TestProductsOf107(t *testing.T) {
	t.Parallel()
	for _, product := range []string{site.Portal, site.Server, site.Notebook} {
		t.Run(product, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, product, "10.7.1")
			next := b.issue("m1.example.net")
			seen := b.must(machine.TaskDone, trust("root", b.company), install(t, "new", next), activate("new", next)).Components[0]
			if served(t, seen) != pki.Fingerprint(next.Leaf) || seen.Version != "10.7.1" || seen.Trouble != "" {
				t.Errorf("serves %s, version %s, %s", served(t, seen), seen.Version, seen.Trouble)
			}
			b.must(machine.TaskAlready, trust("root", b.company), install(t, "new", next), activate("new", next))
			b.fails(machine.CodeAliasTaken, machine.Task{Kind: machine.Trust, Alias: "applicationgateway", Certificate: pinned(t).Leaf.Raw})
		})
	}
}

// Details of certificates as the documentation of Notebook and Mission has
// them, as old releases wrote them, and with dates in a zone that has no one
// meaning: fingerprints are found in all of them.
func TestLayoutsOfACertificate(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*site.Options){
		"keytool":        func(o *site.Options) { o.KeytoolDetail = true },
		"duplicate keys": func(o *site.Options) { o.DuplicateKeys = true },
		"zone":           func(o *site.Options) { o.Zone = time.FixedZone("IST", 5*3600+1800) },
	} {
		for _, product := range []string{site.Notebook, site.Server} {
			t.Run(name+" "+product, func(t *testing.T) {
				t.Parallel()
				b := newBench(t, product, "10.9.1", func(s *site.Spec) { change(&s.Options) })
				next := b.issue("m1.example.net")
				seen := b.must(machine.TaskDone, trust("root", b.company), install(t, "new", next)).Components[0]
				got := entryOf(t, seen, "new")
				if got.SHA256 != pki.Fingerprint(next.Leaf) || got.Trusted || !entryOf(t, seen, "root").Trusted {
					t.Errorf("entries: %+v", seen.Entries)
				}
				if off := got.NotAfter.Sub(next.Leaf.NotAfter).Abs(); off > 14*time.Hour {
					t.Errorf("it ends %s, want %s or nearly so", got.NotAfter, next.Leaf.NotAfter)
				}
				b.must(machine.TaskAlready, trust("root", b.company), install(t, "new", next))
			})
		}
	}
}

// A product that was installed and has no site.
func TestAMachineWithoutASite(t *testing.T) {
	t.Parallel()
	for _, redirects := range []bool{false, true} {
		b := newBench(t, site.Server, "11.5", func(s *site.Spec) { s.Options.NoSite, s.Options.NoSiteRedirects = true, redirects })
		seen := b.do().Components[0]
		if want := map[bool]string{false: machine.CodeNoSite, true: machine.CodeUnreachable}[redirects]; seen.TroubleCode != want || len(seen.Chain) == 0 {
			t.Errorf("redirects %v: %s (%s), want %s", redirects, seen.TroubleCode, seen.Trouble, want)
		}
	}
}

// 14, where the documented operation is missing after all.
func TestA121WithoutUpdate(t *testing.T) {
	t.Parallel()
	b := newBench(t, site.Portal, "12.1", func(s *site.Spec) { s.Options.NoUpdate = true })
	b.fails(machine.CodeNotInPlace, replace(t, b.issue("m1.example.net")))
}

// What nobody has published is not relied upon: whatever these answers are, the
// outcome is the same.
func TestUnpublishedAnswers(t *testing.T) {
	t.Parallel()
	for name, answers := range map[string]map[site.Unpublished]site.Answer{
		"pages": {site.ImportFailed: {HTML: true, Message: "Error 500"}, site.ActiveDeleted: {HTML: true}, site.UpdateDone: {Raw: `{"success":true}`}},
		"codes": {site.ImportFailed: {Code: 400, Message: "No."}, site.ActiveDeleted: {Code: 409, Message: "No."}, site.UpdateDone: {Raw: `{"status":"SUCCESS","alias":"x"}`}},
		"bare":  {site.UpdateDone: {Raw: `{}`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, site.Server, "12.1", func(s *site.Spec) { s.Options.Answers = answers })
			next := b.issue("m1.example.net")
			b.fails(machine.CodeRefused, broken(t, b))
			seen := b.must(machine.TaskDone, replace(t, next)).Components[0]
			if served(t, seen) != pki.Fingerprint(next.Leaf) {
				t.Errorf("serves %s", served(t, seen))
			}
		})
	}
}

// 15, 16 and what else is read in two ways: the answer is the same in both.
func TestSwitchableReadings(t *testing.T) {
	t.Parallel()
	for _, product := range products {
		t.Run(product, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, product, "11.5", func(s *site.Spec) {
				s.Options.TokenInMultipart, s.Options.CertificatesKey, s.Options.ExpiresAsString = true, true, true
			})
			next := b.issue("m1.example.net")
			seen := b.must(machine.TaskDone, trust("root", b.company), install(t, "new", next)).Components[0]
			if !entryOf(t, seen, "root").Trusted || entryOf(t, seen, "new").Trusted {
				t.Errorf("entries: %+v", seen.Entries)
			}
		})
	}
}

// 17: a portal that reaches one server with a warning, and another one not.
func TestFederationWithWarnings(t *testing.T) {
	t.Parallel()
	b := newBench(t, site.Portal, "11.5", func(s *site.Spec) {
		s.Federated = []site.FederatedSpec{
			{ID: "a", URL: "https://gis.example.com/server", AdminURL: "https://gis.example.com/server", Role: "HOSTING_SERVER", Hosting: true},
			{ID: "b", URL: "https://nowhere.example.net/server", AdminURL: "https://nowhere.example.net/server"},
		}
		a, err := shared()
		if err != nil {
			t.Fatal(err)
		}
		s.PublicRoots = append(s.PublicRoots, a.PublicRoot())
	})
	b.serve(pinned(t), http.StatusNotFound)
	report := b.must(machine.TaskDone, machine.Task{Kind: machine.ValidateFederation})
	got := report.Tasks[0].Federation
	if len(got) != 2 || got[0].Status != "success with warnings" || got[1].Status != "failure" || len(got[1].Messages) == 0 {
		t.Errorf("federation: %+v", got)
	}
	if got := report.Components[0].Federated; len(got) != 2 || !got[0].Hosting {
		t.Errorf("federated: %+v", got)
	}
}

// An authority that a portal has not heard of: its keystore is given it without
// a restart, and a restart brings it into force.
func TestTrustIsInForceAfterARestart(t *testing.T) {
	t.Parallel()
	b := newBench(t, site.Portal, "11.5", func(s *site.Spec) {
		s.Federated = []site.FederatedSpec{{ID: "a", URL: "https://gis.example.com/server", AdminURL: "https://gis.example.com/server"}}
	})
	b.serve(b.issue("gis.example.com"), http.StatusOK)
	validate := machine.Task{Kind: machine.ValidateFederation}
	report := b.must(machine.TaskDone, validate, trust("company", b.company), validate, machine.Task{Kind: machine.Restart}, validate)
	for i, want := range map[int]string{0: "failure", 2: "failure", 4: "success"} {
		if got := report.Tasks[i].Federation; len(got) != 1 || got[0].Status != want {
			t.Errorf("task %d: %+v, want %s", i, got, want)
		}
	}
	if b.restarts() != 1 {
		t.Errorf("%d restarts, want 1", b.restarts())
	}
}

// serve answers at gis.example.com, with this status for everything but the
// administration.
func (b *bench) serve(with *authority.Issued, status int) {
	b.t.Helper()
	listener, err := b.ground.Inside.Listen("gis.example.com", 443)
	if err != nil {
		b.t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.URL.Path, "/admin") {
			w.WriteHeader(status)
		}
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Listener = listener
	server.TLS = &tls.Config{Certificates: []tls.Certificate{with.TLS()}}
	server.StartTLS()
	b.t.Cleanup(server.Close)
}

// A machine that is gone between the import and the switch: nothing was
// switched, and that is known.
func TestAMachineThatIsLostBetweenImportAndSwitch(t *testing.T) {
	t.Parallel()
	b := newBench(t, site.Server, "11.5")
	next := b.issue("m1.example.net")
	b.must(machine.TaskDone, install(t, "new", next))
	_ = b.site.Close()
	b.job.Patience = time.Second
	if result := b.fails(machine.CodeUnreachable, activate("new", next)); result.Unsure || result.Restarted {
		t.Errorf("%+v", result)
	}
}

// The restart that a Restart task asks for is seen, and changes nothing but
// what the trust store makes of it.
func TestRestart(t *testing.T) {
	t.Parallel()
	for _, product := range products {
		t.Run(product, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, product, "11.5")
			before := b.do().Components[0]
			report := b.must(machine.TaskDone, machine.Task{Kind: machine.Restart})
			seen := report.Components[0]
			if b.restarts() != 1 || !report.Tasks[0].Restarted || seen.Alias != before.Alias || served(t, seen) != served(t, before) || !seen.Healthy {
				t.Errorf("%d restarts, %+v, alias %s", b.restarts(), report.Tasks[0], seen.Alias)
			}
			for name, value := range before.Settings {
				if seen.Settings[name] != value {
					t.Errorf("%s is %q and was %q", name, seen.Settings[name], value)
				}
			}
		})
	}
}

// A machine that answers success and does not restart is not said to have.
func TestARestartThatIsNotSeen(t *testing.T) {
	t.Parallel()
	b := newBench(t, site.Portal, "11.5", func(s *site.Spec) { s.Options.AnswerFor = 1000 * time.Hour })
	b.job.Patience = time.Second
	result := b.fails(machine.CodeRestartNotSeen, machine.Task{Kind: machine.Restart})
	if !result.Unsure {
		t.Error("it may restart yet")
	}
	next := b.issue("m1.example.net")
	report := b.do(install(t, "new", next), activate("new", next))
	if result := report.Tasks[1]; result.Code != machine.CodeWrongLeafServed || !result.Unsure {
		t.Errorf("%+v", result)
	}
}

// A job that ends while a machine restarts says so; the same job once more
// waits for that restart and asks for no other.
func TestAnInterruptedActivation(t *testing.T) {
	t.Parallel()
	const held = 1000 * time.Hour
	b := newBench(t, site.Server, "11.5", func(s *site.Spec) { s.Options.AnswerFor = held })
	next := b.issue("m1.example.net")
	b.must(machine.TaskDone, install(t, "new", next))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	job := b.job
	job.Tasks = []machine.Task{activate("new", next)}
	job.Tasks[0].Port = 6443
	done := make(chan machine.Report)
	go func() { done <- b.worker.Do(ctx, job) }()
	for b.do().Components[0].Alias != "new" {
		time.Sleep(5 * time.Millisecond)
	}
	cancel()
	if result := (<-done).Tasks[0]; result.State != machine.TaskFailed || result.Code != machine.CodeInterrupted || !result.Unsure {
		t.Fatalf("%+v", result)
	}
	b.ground.Clock.Advance(held)
	if result := b.do(activate("new", next)).Tasks[0]; result.State == machine.TaskFailed || b.restarts() != 1 {
		t.Errorf("%d restarts, want 1: %+v", b.restarts(), result)
	}
}

// What is configured and not served, because a restart does not come: nothing
// is imported anew, the restart is waited for, and then asked for once more.
func TestConfiguredAndNotServed(t *testing.T) {
	t.Parallel()
	for _, product := range []string{site.Portal, site.Server} {
		t.Run(product, func(t *testing.T) {
			t.Parallel()
			const held = 1000 * time.Hour
			b := newBench(t, product, "11.5", func(s *site.Spec) { s.Options.AnswerFor = held })
			b.job.Patience = 300 * time.Millisecond
			next := b.issue("m1.example.net")
			b.must(machine.TaskDone, install(t, "new", next))
			b.fails(machine.CodeWrongLeafServed, activate("new", next))

			b.job.Patience = 5 * time.Second
			asked := false
			b.worker.Tell = func(line string) {
				if strings.Contains(line, "is configured and not served") {
					asked = true
					b.ground.Clock.Advance(held)
				}
			}
			report := b.must(machine.TaskDone, activate("new", next))
			if served(t, report.Components[0]) != pki.Fingerprint(next.Leaf) || !asked || b.restarts() != 1 {
				t.Errorf("serves %s after %d restarts; asked once more: %v", served(t, report.Components[0]), b.restarts(), asked)
			}
		})
	}
}

// A pinned certificate under a known alias is refreshed without a restart, as
// the gateway's is under AppGW-ExternalDNSCerCert.
func TestAPinnedCertificateIsRefreshed(t *testing.T) {
	t.Parallel()
	for _, product := range []string{site.Server, site.Portal} {
		t.Run(product, func(t *testing.T) {
			t.Parallel()
			old, next := pinned(t), pinned(t)
			b := newBench(t, product, "11.5", func(s *site.Spec) { s.ExternalLeaf = old.Leaf })
			task := machine.Task{Kind: machine.Trust, Alias: "AppGW-ExternalDNSCerCert", Certificate: next.Leaf.Raw}
			seen := b.must(machine.TaskDone, task).Components[0]
			if got := entryOf(t, seen, "appgw-externaldnscercert"); got.SHA256 != pki.Fingerprint(next.Leaf) || !got.Trusted {
				t.Errorf("the entry is %+v", got)
			}
			b.must(machine.TaskAlready, task)
			if b.restarts() != 0 {
				t.Errorf("%d restarts", b.restarts())
			}
		})
	}
}

func pinned(t *testing.T) *authority.Issued {
	t.Helper()
	a, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	issued, err := a.Issue(authority.Spec{Names: []string{"gis.example.com"}, Key: "p256"})
	if err != nil {
		t.Fatal(err)
	}
	return issued
}

// The wrong administrator is told once per component, and nothing is changed.
func TestTheWrongAdministrator(t *testing.T) {
	t.Parallel()
	for _, product := range products {
		t.Run(product, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, product, "11.5")
			b.job.Password = secret.New("a wrong canary")
			report := b.do(remove("anything"), trust("root", b.company))
			if result := report.Tasks[0]; result.Code != machine.CodeWrongCredentials || strings.Contains(result.Detail, "canary") {
				t.Errorf("%+v", result)
			}
			seen := report.Components[0]
			if seen.TroubleCode != machine.CodeWrongCredentials || len(seen.Chain) == 0 || !seen.Healthy {
				t.Errorf("seen: %s, %d certificates, healthy %v", seen.TroubleCode, len(seen.Chain), seen.Healthy)
			}
		})
	}
}
