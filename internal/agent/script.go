package agent

import (
	_ "embed"
	"encoding/base64"

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

// The names of the scripts' parameters. All belong into protected parameters:
// the URLs are signed.
const (
	ParameterURL    = "agent_url"
	ParameterSHA256 = "agent_sha256"
	ParameterJob    = "agent_job"
	ParameterKey    = "agent_key"
	ParameterUser   = "agent_user"
)

// Input is what [Script] needs.
type Input struct {
	// URL is where the program is fetched, SHA256 what it must have, in
	// lower-case hex.
	URL    secret.Secret
	SHA256 string
	// Job is where the sealed job is fetched, Key what opens it. See [machine.Seal].
	Job, Key secret.Secret
	// User is whom the program runs as, on Linux; "" is root. (On Windows it is
	// Run Command that runs the script as another user.)
	User string
}

// Parameters are the input by name, for Run Command.
//
// On Linux they come into the environment of the script as they are, and not
// into that of a script which Run Command itself runs as another user: it does
// that by sudo, which resets the environment (Microsoft's
// run-command-handler-linux, internal/exec/exec.go; sudoers(5), env_reset).
//
// On Windows they are the arguments of the script ("script.ps1 -name value",
// learn.microsoft.com, "Run scripts in your Windows VM by using managed Run
// Commands"). The older form of Run Command hands them through cmd.exe, to which
// "&" and "%" mean something and which takes 8,191 characters
// (azure-powershell#29880, azure-docs#80366). The newer one is not documented,
// so what is handed over there is short and has letters, digits and "+/=" only.
func (i Input) Parameters(goos string) map[string]secret.Secret {
	address := func(url secret.Secret) secret.Secret { return url }
	if goos == "windows" {
		address = func(url secret.Secret) secret.Secret {
			return secret.New(base64.StdEncoding.EncodeToString([]byte(url.Reveal())))
		}
	}
	parameters := map[string]secret.Secret{ParameterURL: address(i.URL), ParameterSHA256: secret.New(i.SHA256), ParameterJob: address(i.Job), ParameterKey: i.Key}
	if i.User != "" && goos != "windows" {
		parameters[ParameterUser] = secret.New(i.User)
	}
	return parameters
}
