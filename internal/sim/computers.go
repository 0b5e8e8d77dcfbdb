package sim

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/arm"
	"github.com/cartouche-gis/cartouche/internal/sim/computer"
)

// Computer is a virtual machine of the world as a computer, by its name, its
// name inside the virtual network or its resource id; nil when there is none,
// or the world was started without Scripts. Where two have the same name, the
// first is meant.
func (w *World) Computer(name string) *computer.Computer {
	for _, c := range w.computers {
		if strings.EqualFold(c.Name(), name) || strings.EqualFold(c.FQDN(), name) || strings.EqualFold(c.ID(), name) {
			return c
		}
	}
	return nil
}

// Computers are all virtual machines of the world as computers, in the order
// of its deployments.
func (w *World) Computers() []*computer.Computer { return w.computers }

func (w *World) computerOf(id string) *computer.Computer {
	for _, c := range w.computers {
		if strings.EqualFold(c.ID(), id) {
			return c
		}
	}
	return nil
}

// startComputers makes a computer of every virtual machine that the world's
// deployments have.
func (w *World) startComputers() (err error) {
	if !w.options.Scripts {
		return nil
	}
	// MkdirTemp makes a directory that nobody else may enter.
	if w.computerDir, err = os.MkdirTemp("", "cartouche-computers-"); err != nil {
		return err
	}
	client := w.insideClient()
	ca := filepath.Join(w.computerDir, "ca.pem")
	if err := os.WriteFile(ca, w.caBundle(), 0o600); err != nil {
		return err
	}
	for _, p := range w.places {
		add := func(group string, machines []machine) error {
			for _, m := range machines {
				system := computer.Windows
				if p.Kind == kindGitOps || m.OS == "linux" {
					system = computer.Linux
				}
				dir := filepath.Join(w.computerDir, strconv.Itoa(len(w.computers)))
				tools, programs := w.toolsOf(p.fqdn(m), system, dir)
				c, err := computer.New(computer.Options{
					ID: p.machineID(group, m), Name: m.Name, FQDN: p.fqdn(m), OS: system, Dir: dir, Client: client, Dial: w.Dial,
					Env: func() []string { return w.computerEnv(ca, dir, system, m) }, Tools: tools, Programs: programs, Known: w.options.Known,
					// Whom a machine's owner made has a password that nobody knows.
					Accounts: map[string]string{w.identity.serviceAccount: w.identity.servicePassword, "root": w.identity.servicePassword},
				})
				if err != nil {
					return err
				}
				w.computers = append(w.computers, c)
			}
			return nil
		}
		if err := add(p.machineGroup(), p.Machines); err != nil {
			return err
		}
		for _, s := range p.Sites {
			if err := add(s.Group, s.Machines); err != nil {
				return err
			}
		}
	}
	return nil
}

// insideClient speaks HTTP from inside the virtual network.
func (w *World) insideClient() *http.Client {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(w.caBundle())
	return &http.Client{Timeout: time.Minute, Transport: &http.Transport{DialContext: w.ground.Inside.DialContext, TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}}
}

const machineKind = "Microsoft.Compute/virtualMachines"

// storeDir is where ArcGIS Data Store is installed, from a computer's Dir.
const storeDir = "arcgis/datastore"

// computerEnv is what a machine's environment has beside its own disk.
func (w *World) computerEnv(ca, dir, system string, m machine) []string {
	env := []string{"HTTPS_PROXY=" + w.inside.URL(), "HTTP_PROXY=" + w.inside.URL(), "https_proxy=" + w.inside.URL(), "http_proxy=" + w.inside.URL(),
		"SSL_CERT_FILE=" + ca, "CURL_CA_BUNDLE=" + ca, "COMPUTERNAME=" + m.Name, "HOSTNAME=" + m.Name}
	// On Linux the variable is of ArcGIS' own login alone.
	if system == computer.Windows && slices.ContainsFunc(m.Roles, func(role string) bool { return strings.HasSuffix(role, "DataStore") }) {
		env = append(env, "AGSDATASTORE="+filepath.Join(dir, filepath.FromSlash(storeDir))+string(filepath.Separator))
	}
	return env
}

// stopComputers kills what still runs and removes the disks.
func (w *World) stopComputers() error {
	for _, c := range w.computers {
		c.Close()
	}
	if w.computerDir == "" {
		return nil
	}
	return os.RemoveAll(w.computerDir)
}

// SetMachinePower changes the power state of a virtual machine, by its name or
// resource id: running, stopped, deallocated. What listens on it goes on.
func (w *World) SetMachinePower(name, state string) error {
	return w.onMachine(name, func(id string) { w.manager.SetPower(id, state) })
}

// SetMachineAgent says whether the agent of a virtual machine answers Azure.
func (w *World) SetMachineAgent(name string, ready bool) error {
	return w.onMachine(name, func(id string) { w.manager.SetAgentReady(id, ready) })
}

func (w *World) onMachine(name string, do func(id string)) error {
	m, ok := w.machineNamed(name)
	if !ok {
		return errors.New("the world has no machine " + name)
	}
	do(m.ID)
	return nil
}

// machineNamed finds a virtual machine by its name, its name inside the virtual
// network or its resource id.
func (w *World) machineNamed(name string) (Machine, bool) {
	for _, d := range w.Deployments() {
		for _, m := range d.Machines {
			if strings.EqualFold(m.Name, name) || strings.EqualFold(m.FQDN, name) || strings.EqualFold(m.ID, name) {
				return m, true
			}
		}
	}
	return Machine{}, false
}

// LeftBehind is what is left on machines and at Azure of whoever used Run
// Command: run commands that are still there, containers and blobs, processes
// of scripts that still run, files on the machines' disks. Nothing is the best.
// What is just ending, as a process that was killed, has two seconds to do so.
func (w *World) LeftBehind() []string {
	left := w.leftNow()
	for began := time.Now(); len(left) > 0 && time.Since(began) < 2*time.Second; left = w.leftNow() {
		time.Sleep(20 * time.Millisecond) // nobody tells us of processes that are not our children
	}
	return left
}

func (w *World) leftNow() []string {
	var left []string
	for _, id := range w.manager.IDs(arm.RunCommands) {
		left = append(left, "run command "+id)
	}
	for _, name := range w.storage.Names() {
		if !w.blobBaggage[name] {
			left = append(left, "blob "+name)
		}
	}
	for _, c := range w.computers {
		for _, group := range c.Processes() {
			left = append(left, "process group "+strconv.Itoa(group)+" on "+c.Name())
		}
		for _, name := range c.Left() {
			left = append(left, "file "+name+" on "+c.Name())
		}
	}
	return left
}

// Holding lists where any of the texts can be read by whoever may read the
// subscription's documents, its blobs or a machine's disk: to look for secrets.
func (w *World) Holding(texts ...string) []string {
	found := w.manager.Holding(texts...)
	for _, name := range w.storage.Holding(texts...) {
		found = append(found, "blob "+name)
	}
	for _, c := range w.computers {
		for _, name := range c.Contains(texts...) {
			found = append(found, "file "+name+" on "+c.Name())
		}
	}
	return found
}
