package computer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Parameter of a script. One without a name is positional.
type Parameter struct{ Name, Value string }

// Script is what Run Command hands to a computer.
type Script struct {
	Text       string
	Parameters []Parameter
	// User and Password are whom to run it as; "" is the system itself.
	User, Password string
	// KeepEnvironment lets named parameters through to another user of Linux.
	// Without it they are lost on the way: sudo resets the environment.
	KeepEnvironment bool
	// Direct hands parameters to a script of Windows as they are, with no cmd.exe
	// in between.
	Direct bool
	// Unstoppable lets it run on when it is cancelled, though nobody waits for it
	// any more.
	Unstoppable bool
	// Full makes the disk full while it runs: no file can grow above a few
	// kilobytes. What is missing then is room for a file (EFBIG), not on the
	// device (ENOSPC): an ordinary process cannot have a full device.
	Full bool
}

// ErrTimedOut is the cause with which a context ends whose script ran out of
// time. Then the script alone is killed, and what it started runs on.
// Source: run-command-handler-linux, internal/exec: exec.CommandContext, whose
// kill is of one process.
var ErrTimedOut = errors.New("timed out")

// Refusal is why a script did not begin.
type Refusal struct {
	Message  string
	ExitCode int
}

func (r *Refusal) Error() string { return r.Message }

// Hash is how a known script is told: SHA-256, lower-case hex, of its text
// without newlines and carriage returns at its end.
func Hash(text string) string {
	sum := sha256.Sum256([]byte(strings.TrimRight(text, "\r\n")))
	return hex.EncodeToString(sum[:])
}

// Run runs a script and waits for its end, or kills it with everything in its
// process group when ctx ends, see also [ErrTimedOut]. err is a *Refusal, or
// that of ctx.
// Source: run-command-handler-linux, internal/pid: SIGKILL to the process group.
func (c *Computer) Run(ctx context.Context, s Script) (Outcome, error) {
	if refusal := c.admit(s); refusal != nil {
		return Outcome{}, refusal
	}
	c.begin(s, 1)
	defer c.begin(s, -1)
	known := c.o.Known[Hash(s.Text)]
	if c.o.OS == Linux && runtime.GOOS != "windows" {
		return c.shell(ctx, s)
	}
	if known != nil {
		return c.known(ctx, known, s)
	}
	if c.o.OS == Windows {
		return c.powershell(ctx, s)
	}
	return Outcome{}, &Refusal{Message: "the simulated world runs scripts of Linux on Unix only, and this one is not among those that it knows", ExitCode: -1}
}

func (c *Computer) begin(s Script, by int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.handlers += by
	if s.Full {
		c.full += by
	}
}

// admit checks whom the script runs as. On Linux the password plays no part:
// the user has to be there. Which user really runs it is this process' own.
// Source: run-command-handler-linux, internal/exec (sudo -n -u); for Windows the
// message and its exit code of azure-cli#21602.
func (c *Computer) admit(s Script) *Refusal {
	if s.User == "" {
		return nil
	}
	name := s.User
	if _, after, domain := strings.Cut(name, `\`); domain {
		name = after
	}
	password, known := c.o.Accounts[name]
	switch {
	case c.o.OS == Linux && !known:
		return &Refusal{Message: fmt.Sprintf("Failed to lookup RunAs user '%s'. Looks like user does not exist. For RunAs to work properly, contact admin of VM and make sure RunAs user is added on the VM and user has access to resources accessed by the Run Command (Directories, Files, Network etc.). Refer: https://aka.ms/RunCommandManagedLinux", s.User), ExitCode: -102}
	case c.o.OS == Windows && (!known || s.Password != password):
		return &Refusal{Message: "Script cannot be executed with specified runAsUser/runAsPassword parameters"}
	}
	return nil
}

// maxCommandLine is what a program of Windows can be started with, maxCmdLine
// what cmd.exe takes.
// Source: CreateProcessW; learn.microsoft.com, "Command prompt line string
// limitation".
const maxCommandLine, maxCmdLine = 32767, 8191

// onCommandLine are the parameters of a script of Windows as they get there.
// guess: they pass through cmd.exe, which they do with the older form of Run
// Command (azure-powershell#29880, azure-docs#80366): carets and quotes vanish,
// and a line ends where another command, a pipe or a file would begin. What cmd
// then takes for a command of its own is not played.
func onCommandLine(s Script) ([]Parameter, *Refusal) {
	most, through := maxCmdLine, func(value string) string {
		value, _, _ = strings.Cut(strings.NewReplacer("^", "", `"`, "", "%", "", "|", "&", "<", "&", ">", "&").Replace(value), "&")
		return value
	}
	if s.Direct {
		most, through = maxCommandLine, func(value string) string { return value }
	}
	var parameters []Parameter
	length := 0
	for _, p := range s.Parameters {
		if length += len(p.Name) + len(p.Value) + len(` -""`); length > most {
			return nil, &Refusal{Message: "The command line is too long.", ExitCode: -1} // guess: the text, Windows' own
		}
		parameters = append(parameters, Parameter{Name: p.Name, Value: through(p.Value)})
	}
	return parameters, nil
}

func (c *Computer) known(ctx context.Context, known Known, s Script) (Outcome, error) {
	if c.o.OS == Windows {
		var refusal *Refusal
		if s.Parameters, refusal = onCommandLine(s); refusal != nil {
			return Outcome{}, refusal
		}
	}
	parameters := map[string]string{}
	for _, p := range s.Parameters {
		if p.Name != "" {
			parameters[p.Name] = p.Value
		}
	}
	out := known(ctx, c, parameters)
	return out, ctx.Err()
}

// maxFile bounds a file that a script writes, fullFile with a full disk, in the
// blocks of ulimit -f: 1024 bytes for bash, 512 for others.
const maxFile, fullFile = 512 << 10, 8

// shell runs a script of Linux: named parameters are environment variables,
// the others follow the script on the command line, split as the shell splits.
// Source: run-command-handler-linux, internal/exec.
func (c *Computer) shell(ctx context.Context, s Script) (Outcome, error) {
	handler, done, err := c.handlerDir()
	if err != nil {
		return Outcome{}, &Refusal{Message: "failed to save script to file: " + err.Error(), ExitCode: -203}
	}
	defer done()
	path := filepath.Join(handler, "script.sh")
	if err := os.WriteFile(path, []byte(s.Text), 0o500); err != nil {
		return Outcome{}, &Refusal{Message: "failed to save script to file: " + err.Error(), ExitCode: -203}
	}
	env, line := c.Env(), quoted(path)
	for _, p := range s.Parameters {
		switch {
		case p.Value == "":
		case p.Name != "" && (s.User == "" || s.KeepEnvironment):
			env = append(env, p.Name+"="+p.Value)
		case p.Name != "": // Source: sudoers(5), env_reset, which is on unless it is turned off.
		default:
			line += " " + p.Value
		}
	}
	limit := maxFile
	if s.Full {
		limit = fullFile
	}
	line = fmt.Sprintf("trap '' XFSZ; ulimit -f %d 2>/dev/null; exec %s", limit, line)
	program := "/bin/bash"
	if _, err := os.Stat(program); err != nil {
		program = "sh"
	}
	return c.process(ctx, s, handler, env, program, "-c", line)
}

// powershell runs a script that nobody knows with PowerShell, where there is
// one: parameters by name, protected ones too, on its command line.
// guess: the handler for Windows is not public; its parameters are those of
// the script's param block.
func (c *Computer) powershell(ctx context.Context, s Script) (Outcome, error) {
	parameters, refusal := onCommandLine(s)
	if refusal != nil {
		return Outcome{}, refusal
	}
	program, err := exec.LookPath("pwsh")
	if err != nil {
		return Outcome{}, &Refusal{Message: "the simulated world does not know this script, and there is no PowerShell (pwsh) on this computer to run it with", ExitCode: -1}
	}
	handler, done, err := c.handlerDir()
	if err != nil {
		return Outcome{}, &Refusal{Message: err.Error(), ExitCode: -1}
	}
	defer done()
	path := filepath.Join(handler, "script.ps1")
	if err := os.WriteFile(path, []byte(s.Text), 0o500); err != nil {
		return Outcome{}, &Refusal{Message: err.Error(), ExitCode: -1}
	}
	args := []string{"-NoProfile", "-NonInteractive", "-File", path}
	for _, p := range parameters {
		if p.Name != "" {
			args = append(args, "-"+p.Name)
		}
		args = append(args, p.Value)
	}
	return c.process(ctx, s, handler, c.Env(), program, args...)
}

// process runs one program in a group of its own. Its output goes to files, as
// with Azure's handler, so that what it leaves running does not hold us up.
func (c *Computer) process(ctx context.Context, s Script, dir string, env []string, program string, args ...string) (Outcome, error) {
	stdout, err := os.OpenFile(filepath.Join(dir, "stdout"), os.O_CREATE|os.O_RDWR|os.O_EXCL, 0o600)
	if err != nil {
		return Outcome{}, &Refusal{Message: err.Error(), ExitCode: -205}
	}
	defer func() { _ = stdout.Close() }()
	stderr, err := os.OpenFile(filepath.Join(dir, "stderr"), os.O_CREATE|os.O_RDWR|os.O_EXCL, 0o600)
	if err != nil {
		return Outcome{}, &Refusal{Message: err.Error(), ExitCode: -206}
	}
	defer func() { _ = stderr.Close() }()
	command := exec.Command(program, args...)
	command.Dir, command.Env, command.Stdout, command.Stderr = dir, env, stdout, stderr
	ownGroup(command)
	if err := command.Start(); err != nil {
		return Outcome{}, &Refusal{Message: "failed to execute command: " + err.Error(), ExitCode: -204}
	}
	group := command.Process.Pid
	c.mu.Lock()
	c.groups[group] = true
	c.mu.Unlock()
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	select {
	case err = <-ended:
	case <-ctx.Done():
		switch {
		case errors.Is(context.Cause(ctx), ErrTimedOut):
			_ = command.Process.Kill()
			<-ended
		case !s.Unstoppable:
			killGroup(group)
			<-ended
		}
		err = ctx.Err()
	}
	out := Outcome{Stdout: readBack(stdout), Stderr: readBack(stderr)}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		out.ExitCode = exit.ExitCode()
		return out, nil
	case err != nil && ctx.Err() == nil:
		return out, &Refusal{Message: "failed to execute command: " + err.Error(), ExitCode: -204}
	case err != nil:
		out.ExitCode = -1
	}
	return out, err
}

// maxOutput is how much of a script's output is read back.
const maxOutput = 16 << 20

func readBack(file *os.File) string {
	content := make([]byte, maxOutput)
	n, _ := file.ReadAt(content, 0)
	return string(content[:n])
}

func quoted(path string) string { return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'" }
