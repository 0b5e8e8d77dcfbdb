package sim

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/sim/computer"
	"github.com/cartouche-gis/cartouche/internal/sim/site"
)

// toolsOf are the emulated programs of a machine, and where on its disk they
// lie.
func (w *World) toolsOf(fqdn, system, dir string) (map[string]computer.Tool, map[string]string) {
	host := w.Host(fqdn)
	tools, programs := map[string]computer.Tool{}, map[string]string{}
	if name := host.StoreTool(); name != "" {
		tools[name] = storeTool(host)
		extension := ".bat"
		if system == computer.Linux {
			extension = ".sh"
		}
		programs[path.Join(storeDir, "tools", name+extension)] = name
	}
	if system == computer.Linux {
		tools["systemctl"] = systemctl(host, filepath.Join(dir, filepath.FromSlash(storeDir)))
		programs["bin/systemctl"] = "systemctl"
	}
	if system == computer.Windows {
		tools["sc"] = serviceControl(host)
	}
	if iis := host.IIS(); iis != nil {
		tools["certutil"] = certutil(iis)
		tools["netsh"] = func(_ context.Context, _ *computer.Computer, args []string) computer.Outcome {
			if len(args) == 0 || !strings.EqualFold(args[0], "http") {
				return computer.Outcome{Stdout: "The following command was not found: " + strings.Join(args, " ") + ".\r\n", ExitCode: 1}
			}
			stdout, code := iis.Netsh(args[1:]...)
			return computer.Outcome{Stdout: stdout, ExitCode: code}
		}
	}
	return tools, programs
}

// storeTool is replacesslcertificate, or updatesslcertificate before 11.3:
// PFX file, password and alias, then options.
// Source: ArcGIS Data Store documentation, "ArcGIS Data Store utility
// reference". guess: what it says when it asks before it begins, which it does
// without --prompt no, and nobody is there to answer.
func storeTool(host *site.Host) computer.Tool {
	return func(_ context.Context, _ *computer.Computer, args []string) computer.Outcome {
		var words []string
		option, prompt := "", ""
		for i := 0; i < len(args); i++ {
			switch name, isOption := strings.CutPrefix(args[i], "--"); {
			case isOption && i+1 < len(args) && (name == "option" || name == "prompt"):
				if i++; name == "option" {
					option = args[i]
				} else {
					prompt = args[i]
				}
			default:
				words = append(words, args[i])
			}
		}
		if len(words) != 3 {
			return computer.Outcome{Stdout: "Usage: " + host.StoreTool() + " <certificate file> <certificate password> <certificate alias> [--option <option>] [--prompt <yes|no>]\n", ExitCode: 1}
		}
		if !strings.EqualFold(prompt, "no") {
			return computer.Outcome{Stdout: "You are about to replace the SSL certificate. Do you want to continue (Yes/No)? \nOperation cancelled.\n", ExitCode: 1}
		}
		pfx, err := os.ReadFile(words[0])
		if err != nil {
			return computer.Outcome{Stderr: fmt.Sprintf("The certificate file %s does not exist.\n", words[0]), ExitCode: 1}
		}
		stdout, stderr, code := host.ReplaceCertificate(pfx, words[1], words[2], option)
		return computer.Outcome{Stdout: stdout, Stderr: stderr, ExitCode: code}
	}
}

// unitOf are the units of systemd, by the name that Windows has for a service.
// guess: Esri's documentation names arcgisserver, arcgisportal and
// arcgisdatastore; the others are made like these.
var unitOf = map[string]string{"arcgis server": "arcgisserver", "portal for arcgis": "arcgisportal", "arcgis data store": "arcgisdatastore",
	"arcgisgeoevent": "arcgisgeoevent", "workflowmanager": "workflowmanager", "arcgisworkflowmanager": "workflowmanager"}

// systemctl knows is-active, status, restart and show of the ArcGIS services.
// Source: systemctl(1), "EXIT STATUS". guess: what the Data Store's unit starts.
func systemctl(host *site.Host, store string) computer.Tool {
	return func(ctx context.Context, _ *computer.Computer, args []string) computer.Outcome {
		var words []string
		show := false
		for _, arg := range args {
			show = show || arg == "show"
			if !strings.HasPrefix(arg, "-") {
				words = append(words, strings.TrimSuffix(arg, ".service"))
			}
		}
		if show {
			if len(words) == 2 && words[1] == unitOf["arcgis data store"] && host.StoreTool() != "" {
				script := store + "/framework/etc/scripts/arcgisdatastore"
				return computer.Outcome{Stdout: "ExecStart={ path=" + script + " ; argv[]=" + script + " start ; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }\n"}
			}
			return computer.Outcome{Stdout: "ExecStart=\n"}
		}
		if len(words) != 2 {
			return computer.Outcome{Stderr: "systemctl: this one knows 'is-active UNIT', 'status UNIT' and 'restart UNIT'\n", ExitCode: 1}
		}
		for _, service := range host.Services() {
			if unitOf[strings.ToLower(service.Name)] != strings.ToLower(words[1]) {
				continue
			}
			switch words[0] {
			case "restart", "try-restart":
				if err := host.RestartService(ctx, service.Name); err != nil {
					return computer.Outcome{Stderr: err.Error() + "\n", ExitCode: 1}
				}
				return computer.Outcome{}
			case "is-active", "status":
				if service.Running {
					return computer.Outcome{Stdout: "active\n"}
				}
				return computer.Outcome{Stdout: "inactive\n", ExitCode: 3}
			}
		}
		if words[0] == "is-active" {
			return computer.Outcome{Stdout: "inactive\n", ExitCode: 4}
		}
		return computer.Outcome{Stderr: fmt.Sprintf("Unit %s.service not found.\n", words[1]), ExitCode: 5}
	}
}
