//go:build unix

package deployment_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
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
		if err := command.Run(); err != nil {
			b.Fatalf("%v\n%s", err, stderr.String())
		}
		var deployments []json.RawMessage
		if err := json.Unmarshal(stdout.Bytes(), &deployments); err != nil || len(deployments) < crowd {
			b.Fatalf("%d deployments: %v", len(deployments), err)
		}
		busy += (command.ProcessState.UserTime() + command.ProcessState.SystemTime()).Seconds()
		peak = max(peak, peakMemory(command.ProcessState))
	}
	b.ReportMetric(busy/float64(b.N), "cpu-s/op")
	b.ReportMetric(peak/1e6, "peak-MB")
}

// peakMemory is the largest resident size of a process in bytes.
func peakMemory(process *os.ProcessState) float64 {
	usage, ok := process.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return float64(usage.Maxrss) // bytes there, KiB elsewhere
	}
	return float64(usage.Maxrss) * 1024
}
