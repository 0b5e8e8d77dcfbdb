package sim

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/cartouche-gis/cartouche/internal/sim/computer"
	"github.com/cartouche-gis/cartouche/internal/sim/site"
)

// serviceControl is sc.exe: query, stop and start of the ArcGIS services.
// Source: learn.microsoft.com, "sc.exe query"; the numbers are those of
// SERVICE_STATUS and of winerror.h. guess: a stopped service goes on to serve
// until it is started again, as the world knows only restarts.
func serviceControl(host *site.Host) computer.Tool {
	var mu sync.Mutex
	stopped := map[string]bool{}
	return func(ctx context.Context, _ *computer.Computer, args []string) computer.Outcome {
		mu.Lock()
		defer mu.Unlock()
		if len(args) != 2 {
			return computer.Outcome{Stdout: "ERROR:  Unrecognized command\r\n", ExitCode: 1639}
		}
		verb, name := strings.ToLower(args[0]), strings.ToLower(args[1])
		running, known := false, false
		for _, service := range host.Services() {
			if strings.EqualFold(service.Name, name) {
				running, known = service.Running && !stopped[name], true
			}
		}
		failed := func(what string, number int, text string) computer.Outcome {
			return computer.Outcome{Stdout: fmt.Sprintf("[SC] %s FAILED %d:\r\n\r\n%s\r\n\r\n", what, number, text), ExitCode: number}
		}
		switch {
		case !known:
			return failed("OpenService", 1060, "The specified service does not exist as an installed service.")
		case verb == "stop" && !running:
			return failed("ControlService", 1062, "The service has not been started.")
		case verb == "stop":
			stopped[name], running = true, false
		case verb == "start" && running:
			return failed("StartService", 1056, "An instance of the service is already running.")
		case verb == "start":
			if err := host.RestartService(ctx, name); err != nil {
				return failed("StartService", 1053, err.Error())
			}
			delete(stopped, name)
			running = true
		case verb != "query":
			return computer.Outcome{Stdout: "ERROR:  Unrecognized command\r\n", ExitCode: 1639}
		}
		state := "1  STOPPED"
		if running {
			state = "4  RUNNING"
		}
		return computer.Outcome{Stdout: fmt.Sprintf("\r\nSERVICE_NAME: %s\r\n        TYPE               : 10  WIN32_OWN_PROCESS\r\n        STATE              : %s\r\n"+
			"        WIN32_EXIT_CODE    : 0  (0x0)\r\n        SERVICE_EXIT_CODE  : 0  (0x0)\r\n        CHECKPOINT         : 0x0\r\n        WAIT_HINT          : 0x0\r\n", args[1], state)}
	}
}

// certutil is certutil.exe -f -p PASSWORD -importpfx [STORE] FILE.
// Source: learn.microsoft.com, "certutil".
func certutil(iis *site.IIS) computer.Tool {
	return func(_ context.Context, _ *computer.Computer, args []string) computer.Outcome {
		password, file, imports := "", "", false
		for i := 0; i < len(args); i++ {
			switch strings.ToLower(args[i]) {
			case "-f":
			case "-p":
				if i++; i < len(args) {
					password = args[i]
				}
			case "-importpfx":
				imports = true
			default:
				file = args[i]
			}
		}
		if !imports || file == "" {
			return computer.Outcome{Stdout: "CertUtil: Unknown arg\r\n", ExitCode: 1}
		}
		pfx, err := os.ReadFile(file)
		if err == nil {
			_, err = iis.ImportPFX(pfx, password)
		}
		if err != nil {
			return computer.Outcome{Stdout: "CertUtil: -importPFX command FAILED: " + err.Error() + "\r\n", ExitCode: 1}
		}
		return computer.Outcome{Stdout: "CertUtil: -importPFX command completed successfully.\r\n"}
	}
}
