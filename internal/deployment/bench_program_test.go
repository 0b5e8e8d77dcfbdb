//go:build linux

package deployment_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// BenchmarkDiscoverProgram runs the program that people install, as a process
// of its own, on 1,000 deployments: sign-in, discovery, one JSON value. Beside
// the time that passes, in which the world does most of the work, it reports
// what the process itself used of the processor and, at its peak, of memory.
func BenchmarkDiscoverProgram(b *testing.B) {
	if testing.Short() {
		b.Skip("builds the program")
	}
	program := filepath.Join(b.TempDir(), "cartouche")
	if output, err := exec.CommandContext(b.Context(), "go", "build", "-o", program, "github.com/cartouche-gis/cartouche/cmd/cartouche").CombinedOutput(); err != nil {
		b.Fatalf("build: %v\n%s", err, output)
	}
	environment := []string{"HOME=" + b.TempDir()}
	for _, variable := range crowdedWorld(b).Environment() {
		environment = append(environment, variable.Name+"="+variable.Value)
	}
	var busy, peak float64
	for b.Loop() {
		command := exec.CommandContext(b.Context(), program, "deployments", "--json")
		command.Env = environment
		var stdout, stderr bytes.Buffer
		command.Stdout, command.Stderr = &stdout, &stderr
		if err := command.Start(); err != nil {
			b.Fatal(err)
		}
		memory := peakMemory(command.Process.Pid)
		if err := command.Wait(); err != nil {
			b.Fatalf("%v\n%s", err, stderr.String())
		}
		peak = max(peak, <-memory)
		busy += (command.ProcessState.UserTime() + command.ProcessState.SystemTime()).Seconds()
		var deployments []json.RawMessage
		if err := json.Unmarshal(stdout.Bytes(), &deployments); err != nil || len(deployments) < crowd {
			b.Fatalf("%d deployments: %v", len(deployments), err)
		}
	}
	b.ReportMetric(busy/float64(b.N), "cpu-s/op")
	b.ReportMetric(peak/1e6, "peak-MB")
}

// peakMemory watches the largest resident size of a process, in bytes, until
// the process is gone. What the kernel tells at the end will not do: Linux
// counts the memory of whoever started the process, which is the world.
func peakMemory(process int) <-chan float64 {
	result := make(chan float64, 1)
	go func() {
		peak := 0.0
		for {
			status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", process))
			_, line, found := strings.Cut(string(status), "VmHWM:")
			if err != nil || !found {
				result <- peak
				return
			}
			var kibibytes float64
			_, _ = fmt.Sscan(line, &kibibytes)
			peak = max(peak, kibibytes*1024)
			time.Sleep(5 * time.Millisecond)
		}
	}()
	return result
}
