package machine

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

// storeTool is a Data Store's tool on Linux; does is what it does when it is called rightly.
func storeTool(t *testing.T, name string, does func(bundle *pki.Bundle) (stderr string, code int)) *fakeHost {
	return &fakeHost{t: t, os: "linux", env: map[string]string{"AGSDATASTORE": "/opt/arcgis/datastore/"},
		programs: func(program string, args []string) (string, string, int, error) {
			if program != "/opt/arcgis/datastore/tools/"+name {
				return "", "", -1, errors.New("no such file")
			}
			content, err := os.ReadFile(args[0])
			if err != nil {
				return "", err.Error(), 1, nil
			}
			bundle, err := pki.ReadPFX(content, secret.New(args[1]))
			if err != nil {
				return "", err.Error(), 1, nil
			}
			stderr, code := does(bundle)
			return "", stderr, code, nil
		}}
}

func TestTheDataStoreGetsACertificateByItsTool(t *testing.T) {
	t.Parallel()
	for tool, option := range map[string]string{"replacesslcertificate.sh": "--option webserver", "updatesslcertificate.sh": "--prompt no"} {
		old, renewed := newIdentity(t, "old"), newIdentity(t, "new")
		port := listen(t, old)
		host := storeTool(t, tool, func(bundle *pki.Bundle) (string, int) {
			if !bundle.Leaf.Equal(renewed.leaf) {
				t.Errorf("%s: the tool got another certificate", tool)
			}
			port.serve(renewed)
			return "", 1 // as Esri's own DSC has met it
		})
		worker := Worker{Host: host}
		task := renewed.task(t, ReplaceStore, port.port)

		got := worker.replaceStore(t.Context(), port.job(DataStore), task)
		wantResult(t, got, TaskDone, "")
		if !got.Restarted || got.BeforeLeaf != sha256Of(old.leaf) {
			t.Errorf("%s: got %+v", tool, got)
		}
		if got.Alias == task.Alias || !strings.HasPrefix(got.Alias, task.Alias) {
			t.Errorf("%s: alias %q may have been used before", tool, got.Alias)
		}
		if !host.ranWith(tool, option) || host.ranWith(task.PFXPassword.Reveal()) {
			t.Errorf("%s: ran %q", tool, host.ran)
		}
		host.leftNoFile(t)

		again := len(host.ran)
		wantResult(t, worker.replaceStore(t.Context(), port.job(DataStore), task), TaskAlready, "")
		if len(host.ran) != again {
			t.Errorf("%s: it was run a second time", tool)
		}
	}
}

func TestTheDataStoreToolIsNotBelieved(t *testing.T) {
	t.Parallel()
	old, renewed := newIdentity(t, "old"), newIdentity(t, "new")
	port := listen(t, old)
	host := storeTool(t, "replacesslcertificate.sh", func(*pki.Bundle) (string, int) { return "", 0 })
	got := (&Worker{Host: host}).replaceStore(t.Context(), port.job(DataStore), renewed.task(t, ReplaceStore, port.port))
	wantResult(t, got, TaskFailed, CodeWrongLeafServed)
	host.leftNoFile(t)

	port.serve(old)
	host = storeTool(t, "replacesslcertificate.sh", func(*pki.Bundle) (string, int) { port.down(); return "", 0 })
	got = (&Worker{Host: host}).replaceStore(t.Context(), port.job(DataStore), renewed.task(t, ReplaceStore, port.port))
	wantResult(t, got, TaskFailed, CodeRestartNeverEnded)
	if !got.Unsure {
		t.Error("whether the certificate was taken is not known")
	}
}

func TestWhatTheDataStoreToolSaysIsShownWithoutItsPassword(t *testing.T) {
	t.Parallel()
	old, renewed := newIdentity(t, "old"), newIdentity(t, "new")
	port := listen(t, old)
	var host *fakeHost
	host = storeTool(t, "replacesslcertificate.sh", func(*pki.Bundle) (string, int) {
		return "cannot do\x1b[2J:\n " + host.ran[len(host.ran)-1], 1
	})
	got := (&Worker{Host: host}).replaceStore(t.Context(), port.job(DataStore), renewed.task(t, ReplaceStore, port.port))
	wantResult(t, got, TaskFailed, CodeWrongLeafServed)
	words := strings.Fields(host.ran[len(host.ran)-1])
	if !strings.Contains(got.Detail, "cannot do") || strings.Contains(got.Detail, words[2]) {
		t.Errorf("got %q", got.Detail)
	}
}

func TestOtherPartsOfTheDataStoreNeedTheNewerTool(t *testing.T) {
	t.Parallel()
	renewed := newIdentity(t, "new")
	task := renewed.task(t, ReplaceStore, 9876)
	task.Option = "relational"
	job := Job{Format: Format, Host: "127.0.0.1"}

	host := storeTool(t, "updatesslcertificate.sh", func(*pki.Bundle) (string, int) { return "", 0 })
	wantResult(t, (&Worker{Host: host}).replaceStore(t.Context(), job, task), TaskFailed, CodeRefused)
	if host.ranWith("updatesslcertificate") {
		t.Error("the older tool would change port 2443")
	}
	host = storeTool(t, "replacesslcertificate.sh", func(*pki.Bundle) (string, int) { return "no such option", 2 })
	wantResult(t, (&Worker{Host: host}).replaceStore(t.Context(), job, task), TaskFailed, CodeRefused)
	host = storeTool(t, "replacesslcertificate.sh", func(*pki.Bundle) (string, int) { return "", 0 })
	got := (&Worker{Host: host}).replaceStore(t.Context(), job, task)
	wantResult(t, got, TaskDone, "")
	if !host.ranWith("--option relational") || !strings.Contains(got.Detail, "not looked at") {
		t.Errorf("ran %q, said %q", host.ran, got.Detail)
	}
}

func TestWhereTheDataStoreIsOnLinux(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		"ExecStart={ path=/opt/arcgis/datastore/startdatastore.sh ; argv[]=/opt/arcgis/datastore/startdatastore.sh ; }\n": "/opt/arcgis/datastore",
		"ExecStart={ path=/data/ds/framework/etc/scripts/arcgisdatastore ; argv[]=x ; }\n":                                "/data/ds",
		"ExecStart=\n":                     "",
		"Failed to connect to bus: dbus\n": "",
	} {
		host := &fakeHost{t: t, os: "linux", programs: func(string, []string) (string, string, int, error) { return said, "", 0, nil }}
		if got := (&Worker{Host: host}).storeHome(t.Context()); got != want {
			t.Errorf("%q: got %q, want %q", said, got, want)
		}
	}
}

func TestTheDataStoreNeedsAHostAndAnInstallation(t *testing.T) {
	t.Parallel()
	port := listen(t, newIdentity(t, "old"))
	task := newIdentity(t, "new").task(t, ReplaceStore, port.port)
	wantResult(t, (&Worker{}).replaceStore(t.Context(), port.job(DataStore), task), TaskFailed, CodeNeedsAgent)
	none := &fakeHost{t: t, os: "windows"}
	wantResult(t, (&Worker{Host: none}).replaceStore(t.Context(), port.job(DataStore), task), TaskFailed, CodeNoSuchComponent)
}
