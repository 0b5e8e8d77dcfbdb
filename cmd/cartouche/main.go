// Command cartouche renews the certificate of an ArcGIS Enterprise deployment
// on Azure. All of it is in package cli; here the program only meets the
// operating system.
package main

import (
	"context"
	"os"
	"runtime/debug"

	"charm.land/lipgloss/v2"
	"golang.org/x/term"

	"github.com/cartouche-gis/cartouche/internal/account"
	"github.com/cartouche-gis/cartouche/internal/cli"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

// version is set by the linker in releases: -X main.version=v1.2.3.
var version string

func main() {
	os.Exit(run())
}

func run() int {
	secret.WithoutDumps()
	interrupts := make(chan os.Signal, 4)
	listen(interrupts)
	stdout, stderr := isTerminal(os.Stdout), isTerminal(os.Stderr)
	for _, stream := range []*os.File{os.Stdout, os.Stderr} {
		lipgloss.EnableLegacyWindowsANSI(stream)
	}
	env := cli.Environment{
		Args:             os.Args[1:],
		Stdin:            os.Stdin,
		Stdout:           os.Stdout,
		Stderr:           os.Stderr,
		Lookup:           os.Getenv,
		StdinIsTerminal:  isTerminal(os.Stdin),
		StdoutIsTerminal: stdout,
		StderrIsTerminal: stderr,
		Interrupts:       interrupts,
		ReadPassword:     readPassword,
		Keychain:         account.SystemKeychain(os.Getenv),
		OpenBrowser:      openBrowser,
		Version:          versionOf(),
	}
	if stdout { // what is piped is not wrapped
		env.Width, _, _ = term.GetSize(int(os.Stdout.Fd()))
	}
	return cli.Run(context.Background(), env)
}

func isTerminal(file *os.File) bool { return term.IsTerminal(int(file.Fd())) }

// versionOf is the release's version, else what `go install` and the version
// control left in the binary.
func versionOf() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "dev"
	}
	return info.Main.Version
}
