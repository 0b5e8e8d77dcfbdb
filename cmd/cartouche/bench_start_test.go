package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// BenchmarkStart runs the program as it is released, from the beginning of the
// process to its end: twice with nothing to do, and once to judge a file, for
// which Mozilla's list is parsed.
func BenchmarkStart(b *testing.B) {
	program := build(b, "-trimpath", "-ldflags", "-s -w")
	home := b.TempDir()
	password := filepath.Join(home, "password")
	if err := os.WriteFile(password, []byte("cartouche"), 0o600); err != nil {
		b.Fatal(err)
	}
	const found = 7 // the exit status of a check with findings; the file is of no known authority
	for _, run := range []struct {
		name   string
		status int
		args   []string
	}{
		{"version", 0, []string{"version"}},
		{"help", 0, []string{"--help"}},
		{"check", found, []string{"check", "../../internal/pki/testdata/aes256.pfx", "--password-file", password}},
	} {
		b.Run(run.name, func(b *testing.B) {
			for b.Loop() {
				command := exec.CommandContext(b.Context(), program, run.args...)
				command.Env = []string{"HOME=" + home}
				output, err := command.CombinedOutput()
				if command.ProcessState.ExitCode() != run.status || len(output) == 0 {
					b.Fatalf("%v: %s", err, output)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms/op")
		})
	}
}

// BenchmarkSize reports how large the program is; there is nothing to repeat.
func BenchmarkSize(b *testing.B) {
	for _, kind := range []struct {
		name  string
		flags []string
	}{
		{"released", []string{"-trimpath", "-ldflags", "-s -w"}},
		{"with-symbols", nil},
	} {
		b.Run(kind.name, func(b *testing.B) {
			info, err := os.Stat(build(b, kind.flags...))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(info.Size()), "bytes")
			b.ReportMetric(0, "ns/op") // is not shown
		})
	}
}

// build makes the program as .ci/release does, for this computer.
func build(b *testing.B, flags ...string) string {
	b.Helper()
	if testing.Short() {
		b.Skip("builds the program")
	}
	program := filepath.Join(b.TempDir(), "cartouche.exe")
	command := exec.CommandContext(b.Context(), "go", append(append([]string{"build", "-o", program}, flags...), ".")...)
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := command.CombinedOutput(); err != nil {
		b.Fatalf("build: %v\n%s", err, output)
	}
	return program
}
