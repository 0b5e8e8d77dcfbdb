// Package computer is the virtual machines of a simulated world as computers:
// each has a disk, an environment that leads into the virtual network, and
// programs. What Run Command is given really runs here, in a process group of
// its own, so that a script which hangs, leaves files behind or is killed does
// so as it would on a machine.
//
// A computer of another operating system than the one underneath cannot run
// its own scripts: the world is told beforehand what a known script does
// ([Known]).
//
// Source of how scripts are run: Azure/run-command-handler-linux, the program
// that Run Command uses on Linux (internal/exec, internal/cmds and
// internal/commandProcessor).
package computer

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
)

// The operating systems, as Azure spells them in osDisk.osType.
const (
	Linux   = "Linux"
	Windows = "Windows"
)

// Options are what the world decides of a computer.
type Options struct {
	// ID is the resource id of its virtual machine, Name its name, FQDN its
	// name inside the virtual network.
	ID, Name, FQDN string
	OS             string // Linux or Windows
	// Dir is its disk: a directory of its own that only the owner of this
	// process may enter.
	Dir string
	// Env makes its environment beside what the disk gives; nothing of this
	// process' own is in it but PATH.
	Env func() []string
	// Client speaks HTTP from inside the virtual network.
	Client *http.Client
	// Dial makes the connections that its programs ask of the operating system:
	// to the door that Env names.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Accounts are the passwords of who may run something, by user name.
	Accounts map[string]string
	// Tools are its programs that are emulated, by lower-case base name without
	// extension: "netsh", "replacesslcertificate".
	Tools map[string]Tool
	// Programs are files on its disk, by path, that call one of the tools.
	Programs map[string]string
	// Known are scripts by the hash of their text, see [Hash].
	Known map[string]Known
}

// Outcome is how a program or script ended.
type Outcome struct {
	Stdout, Stderr string
	ExitCode       int
}

// Tool is an emulated program.
type Tool func(ctx context.Context, c *Computer, args []string) Outcome

// Known does what a known script would do. parameters are those of the run
// command by name, protected ones included.
type Known func(ctx context.Context, c *Computer, parameters map[string]string) Outcome

// Computer is one simulated virtual machine.
type Computer struct {
	o    Options
	stop context.CancelFunc
	work sync.WaitGroup

	mu       sync.Mutex
	groups   map[int]bool    // of processes that were started
	baggage  map[string]bool // what was on its disk from the beginning
	handlers int             // scripts that run now
	full     int             // scripts that run now with a full disk
}

// New makes a computer and lays out its disk.
func New(o Options) (*Computer, error) {
	if o.Env == nil {
		o.Env = func() []string { return nil }
	}
	c := &Computer{o: o, groups: map[int]bool{}}
	var ctx context.Context
	ctx, c.stop = context.WithCancel(context.Background())
	if err := c.layOut(ctx); err != nil {
		c.stop()
		return nil, fmt.Errorf("disk of %s: %w", o.Name, err)
	}
	return c, nil
}

// Close kills whatever still runs.
func (c *Computer) Close() {
	c.stop()
	for _, group := range c.Processes() {
		killGroup(group)
	}
	c.work.Wait()
}

// Name is the virtual machine's name.
func (c *Computer) Name() string { return c.o.Name }

// ID is the virtual machine's resource id.
func (c *Computer) ID() string { return c.o.ID }

// FQDN is its name inside the virtual network.
func (c *Computer) FQDN() string { return c.o.FQDN }

// OS is "Linux" or "Windows".
func (c *Computer) OS() string { return c.o.OS }

// Dir is its disk. Scripts run in it; their TMPDIR, TEMP and HOME are inside.
func (c *Computer) Dir() string { return c.o.Dir }

// Env is its environment, as os/exec takes it: the door into the virtual
// network, whom to trust, where things are. No secret of this process is in it.
func (c *Computer) Env() []string { return slices.Concat(c.diskEnv(), c.o.Env()) }

// Client speaks HTTP from inside the virtual network.
func (c *Computer) Client() *http.Client { return c.o.Client }

// Dial connects to an address as a program on it would: to its proxy, that is.
func (c *Computer) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	if c.o.Dial == nil {
		var dialer net.Dialer
		return dialer.DialContext(ctx, network, address)
	}
	return c.o.Dial(ctx, network, address)
}

// Full tells that the fault disk-full is on: nothing of any size can be written.
func (c *Computer) Full() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.full > 0
}

// Exec runs one of its emulated programs. err is for a program that it has not.
func (c *Computer) Exec(ctx context.Context, program string, args ...string) (stdout, stderr string, code int, err error) {
	tool, ok := c.o.Tools[baseName(program)]
	if !ok {
		return "", "", -1, fmt.Errorf("exec %q: executable file not found on %s", program, c.o.Name)
	}
	out := tool(ctx, c, args)
	return out.Stdout, out.Stderr, out.ExitCode, ctx.Err()
}

// baseName is how Tools are keyed.
func baseName(program string) string {
	base := strings.ToLower(path.Base(strings.ReplaceAll(program, `\`, "/")))
	return strings.TrimSuffix(base, path.Ext(base))
}
