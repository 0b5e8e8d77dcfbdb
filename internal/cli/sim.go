package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/rehearsal"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

type simOptions struct {
	dir    string
	scale  float64
	domain string
	arcgis string
	port   int
	faults []string
	// scripts lets Run Command really run what it is given.
	scripts bool
}

func newSimCommand(a *program) *cobra.Command {
	var options simOptions
	cmd := &cobra.Command{
		Use:     "sim [WORLD]",
		GroupID: groupTry,
		Short:   "run a simulated world for other programs to talk to",
		Long: `Runs a small world (Entra ID, Resource Manager, Application Gateway, Portal, Server) until
Ctrl-C. Other programs reach it under its production names through a forward proxy; what
they need is in the files that are written to --dir once everything answers:

  env                 variables for a shell: proxy, authorities, logins
  env-inside          the same for a client inside the virtual network
  world.json          names, ids, endpoints, people, the door inside the virtual network
  ca.pem              the authorities of the world
  new.pfx             a renewed certificate, its password in new.pfx.password
  new-NAME.pfx        the same for further names of the world
  private-root.pem    the company's own authority, where the world has one
  client.pem          a certificate that the service principal may sign in with
  federated-token     a token for workload identity, good for a day

A person signs in, by browser or device code, with CARTOUCHE_WORLD_USER and
CARTOUCHE_WORLD_PASSWORD of env; a browser needs the proxy and ca.pem.

Time can be moved on by a client of the proxy: POST http://world.invalid/advance?by=4h lets
gateways look at Key Vault, tokens expire and operations end. The answer comes when the
gateways have looked.

A witness tells what no client may let happen, such as a listener that shows neither the
old nor the new certificate: POST http://world.invalid/witness?leaf=SHA-256 of the new one
begins, GET http://world.invalid/witness answers what was seen.

` + worldHelp() + faultHelp(),
		Example: `  cartouche sim ha --dir /tmp/world
  set -a; . /tmp/world/env; set +a        # in another terminal
  cartouche deployments
  curl -x "$HTTP_PROXY" -X POST 'http://world.invalid/advance?by=4h'
  curl -x "$HTTP_PROXY" http://world.invalid/witness`,
		Args: atMostOneArgument,
		RunE: a.run(func(ctx context.Context, args []string) error {
			world := "ha"
			if len(args) > 0 {
				world = args[0]
			}
			return a.simulate(ctx, world, options)
		}),
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&options.dir, "dir", "", "where the files go; without: a new temporary directory `DIR`")
	flags.Float64Var(&options.scale, "scale", demoScale, "how many times faster than ours the time of the world goes `N`")
	flags.StringVar(&options.arcgis, "arcgis-version", "", "version of ArcGIS Enterprise in the world, 10.8 to 12.1; without: the world's own `VERSION`")
	flags.StringVar(&options.domain, "domain", "", "external name of the deployment `NAME`")
	flags.IntVar(&options.port, "port", 0, "port of the proxy; without: a free one `PORT`")
	flags.StringArrayVar(&options.faults, "fault", nil, "something goes wrong, as name@step or name@step*times, repeatable `FAULT`")
	flags.BoolVar(&options.scripts, "run-scripts", false, "Run Command really runs scripts, on this computer, as you: needed for --reach agent")
	return exits(cmd, app.ExitDone, app.ExitUnexpected, app.ExitUsage)
}

// worldHelp is the table of worlds.
func worldHelp() string {
	var text strings.Builder
	text.WriteString("Worlds:\n\n")
	for _, world := range sim.WorldDocs() {
		fmt.Fprintf(&text, "  %-10s %s\n", world.Name, world.What)
	}
	return text.String() + "\n"
}

// faultHelp is the table of faults.
func faultHelp() string {
	var text strings.Builder
	text.WriteString("Faults, as --fault name@step or name@step*times:\n\n")
	at := ""
	for _, fault := range sim.Faults() {
		if fault.Steps != at {
			at = fault.Steps
			fmt.Fprintf(&text, "  at %s\n", at)
		}
		fmt.Fprintf(&text, "    %-24s %s\n", fault.Name, fault.What)
	}
	text.WriteString("\nRequests to Azure:\n" + columns(sim.Steps()) + "\nRequests to a vault:\n" + columns(sim.VaultSteps()) + "\nRequests to a storage account:\n" + columns(sim.StorageSteps()) + "\nRequests to a site:\n" + columns(sim.SiteSteps()))
	return strings.TrimRight(text.String(), " \n")
}

// columns sets words in lines that fit a help text.
func columns(words []string) string {
	var text strings.Builder
	for line := range slices.Chunk(words, 3) {
		row := " "
		for _, word := range line {
			row += fmt.Sprintf(" %-24s", word)
		}
		text.WriteString(strings.TrimRight(row, " ") + "\n")
	}
	return text.String()
}

// simValue is the JSON of `sim`, written when the world answers.
type simValue struct {
	World       string `json:"world"`
	Dir         string `json:"dir"`
	Env         string `json:"env"`
	Proxy       string `json:"proxy"`
	EnvInside   string `json:"envInside"`
	ProxyInside string `json:"proxyInside"`
	User        string `json:"user"` // a person who may sign in
}

func (a *program) simulate(ctx context.Context, name string, options simOptions) error {
	world := sim.Options{World: name, Scale: options.scale, Domain: options.domain, Version: options.arcgis, Scripts: options.scripts}
	if options.scripts {
		world.Known = rehearsal.Known()
	}
	if options.port != 0 {
		world.OutsideAddress = fmt.Sprintf("127.0.0.1:%d", options.port)
	}
	for _, text := range options.faults {
		fault, err := ground.ParseFault(text)
		if err != nil {
			return app.Usage("cartouche sim --help", "%s", err)
		}
		world.Faults = append(world.Faults, fault)
	}
	dir, err := simDir(options.dir)
	if err != nil {
		return err
	}
	world.Dir = dir
	a.ui.progress.Doing(rotation.PhaseObserve, "starting the world "+name)
	running, err := sim.Start(ctx, world)
	a.ui.progress.Done()
	if err != nil {
		return app.Usage("cartouche sim --help", "%s", err)
	}
	defer running.Close()
	if err := running.WriteDir(dir); err != nil {
		return err
	}
	value := simValue{World: name, Dir: dir, Env: filepath.Join(dir, "env"), Proxy: proxyOf(running.Environment()),
		EnvInside: filepath.Join(dir, "env-inside"), ProxyInside: proxyOf(running.InsideEnvironment()), User: running.People()[0].User}
	if a.ui.json {
		if err := a.ui.value(value); err != nil {
			return err
		}
	} else {
		a.showWorld(running, value, options.scripts)
	}
	<-ctx.Done()
	// A world that is stopped has done what it was started for. Its secrets
	// are worth nothing without it, and its env files would mislead.
	return errors.Join(os.Remove(value.Env), os.Remove(value.EnvInside))
}

func (a *program) showWorld(world *sim.World, value simValue, scripts bool) {
	a.ui.say(title("The world "+value.World+" answers"), faint("  until Ctrl-C"))
	for _, deployment := range world.Deployments() {
		a.ui.fields(field{"site", words(deployment.URL)}, field{"version", words(deployment.Version)})
	}
	a.ui.fields(field{"proxy", words(value.Proxy)}, field{"inside", words(value.ProxyInside, faint(" in the virtual network"))}, field{"person", words(value.User, faint(" password in env"))}, field{"files", words(value.Dir)})
	first, env := world.Deployments()[0], value.Env
	if first.PublicIP == "" {
		env = value.EnvInside // its name is known there only
	}
	if scripts {
		a.ui.item(caution("!"), "Run Command really runs the scripts that it is given, on this computer and as you; only who has a login of this world can give it one")
	}
	a.ui.heading("In another terminal")
	a.ui.say("  set -a; . " + app.Quote(env) + "; set +a")
	a.ui.say("  cartouche deployments")
	if first.GatewayID == "" {
		return // V1 is found and explained
	}
	apply := "  cartouche apply " + app.Quote(first.Domain) + " --pfx " + app.Quote(filepath.Join(value.Dir, "new.pfx")) +
		" --password-file " + app.Quote(filepath.Join(value.Dir, "new.pfx.password"))
	if world.PrivateRoot() != nil {
		apply += " --assume-trusted" // the world's machines know its private authority
	}
	a.ui.say(apply)
}

func proxyOf(environment []sim.Variable) string {
	for _, variable := range environment {
		if variable.Name == "HTTPS_PROXY" {
			return variable.Value
		}
	}
	return ""
}

func simDir(dir string) (string, error) {
	if dir == "" {
		made, err := os.MkdirTemp("", "cartouche-world-")
		if err != nil {
			return "", fmt.Errorf("make a directory for the world's files: %w", err)
		}
		return made, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", app.Usage("choose another --dir", "%s", err)
	}
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("directory %s: %w", dir, err)
	}
	return absolute, nil
}
