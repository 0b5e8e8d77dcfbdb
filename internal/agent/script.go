package agent

import (
	_ "embed"
	"fmt"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

//go:embed script/run.sh
var shellScript string

//go:embed script/run.ps1
var powerShellScript string

// Script is the constant script that runs the program on a machine: for sh on
// "linux", for Windows PowerShell 5.1 on "windows".
func Script(goos string) string {
	if goos == "windows" {
		return powerShellScript
	}
	return shellScript
}

// The names of the scripts' parameters. All three belong into protected
// parameters: the URL is signed.
const (
	ParameterURL    = "agent_url"
	ParameterSHA256 = "agent_sha256"
	ParameterInput  = "agent_input"
)

// What a parameter may have in characters. On Linux, Run Command puts named
// parameters into the environment of the script (Microsoft's
// run-command-handler-linux, internal/exec/exec.go: os.Setenv), and the kernel
// takes 128 KiB for one variable (MAX_ARG_STRLEN, execve(2)). On Windows it
// calls the script with them as arguments ("script.ps1 -name value",
// learn.microsoft.com, "Run scripts in your Windows VM by using managed Run
// Commands"), and a command line has 32,767 characters (CreateProcessW).
const (
	maxLinuxParameter    = 128<<10 - 64
	maxWindowsParameters = 32767 - 2048
)

// Parameters are what [Script] needs: where the program is fetched, its
// SHA-256 in lower-case hex, and the job as [machine.Encode] gives it.
func Parameters(goos string, url secret.Secret, sha256 string, input secret.Secret) (map[string]secret.Secret, error) {
	size, most := len(input.Reveal()), maxLinuxParameter
	if goos == "windows" {
		size, most = size+len(url.Reveal()), maxWindowsParameters
	}
	if size > most {
		return nil, fmt.Errorf("the job has %d characters, and Run Command hands over %d at most on %s: do it in several jobs", size, most, goos)
	}
	return map[string]secret.Secret{ParameterURL: url, ParameterSHA256: secret.New(sha256), ParameterInput: input}, nil
}
