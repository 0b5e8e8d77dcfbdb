package agent

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// Program is cartouche-agent for one operating system and processor.
type Program struct {
	// Name is its file's: "cartouche-agent-windows-amd64.exe".
	Name    string
	Content []byte
	// SHA256 is of the Content, in lower-case hex.
	SHA256 string
}

// systems are those for which there is an agent: what ArcGIS Enterprise runs on
// in Azure. Windows Server on ARM is not among them.
var systems = []string{"linux/amd64", "linux/arm64", "windows/amd64"}

// built keeps what was unpacked or built; building links for a second or two.
var built struct {
	sync.Mutex
	programs map[string]Program
}

// Build gives the agent for an operating system and processor, by Go's names
// for them. A release holds it; a Cartouche that was built from source with go
// builds it by the same means.
func Build(ctx context.Context, goos, goarch string) (Program, error) {
	system := goos + "/" + goarch
	if !slices.Contains(systems, system) {
		return Program{}, fmt.Errorf("there is no cartouche-agent for %.40s, only for %s", system, strings.Join(systems, ", "))
	}
	built.Lock()
	defer built.Unlock()
	if program, done := built.programs[system]; done {
		return program, nil
	}
	name := "cartouche-agent-" + goos + "-" + goarch
	content, err := embedded(name)
	if errors.Is(err, os.ErrNotExist) {
		content, err = compile(ctx, goos, goarch)
	}
	if err != nil {
		return Program{}, fmt.Errorf("cartouche-agent for %s: %w", system, err)
	}
	if goos == "windows" {
		name += ".exe"
	}
	sum := sha256.Sum256(content)
	program := Program{Name: name, Content: content, SHA256: hex.EncodeToString(sum[:])}
	if built.programs == nil {
		built.programs = map[string]Program{}
	}
	built.programs[system] = program
	return program, nil
}

func embedded(name string) ([]byte, error) {
	packed, err := release.ReadFile("built/" + name + ".gz")
	if err != nil {
		return nil, err
	}
	zip, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(zip)
}

// compile builds the agent from the source that this program was built from.
func compile(ctx context.Context, goos, goarch string) ([]byte, error) {
	const mend = "use a release of Cartouche, which holds it, or run Cartouche from its source with go"
	_, here, _, _ := runtime.Caller(0)
	root := filepath.Join(filepath.Dir(here), "..", "..")
	if _, err := os.Stat(filepath.Join(root, "cmd", "cartouche-agent")); err != nil {
		return nil, fmt.Errorf("this Cartouche does not hold it, and its source is not on this computer: %s", mend)
	}
	tool, err := exec.LookPath("go")
	if err != nil {
		return nil, fmt.Errorf("this Cartouche does not hold it, and there is no go command to build it: %s", mend)
	}
	dir, err := os.MkdirTemp("", "cartouche-build-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "agent")
	command := exec.CommandContext(ctx, tool, "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", file, "./cmd/cartouche-agent")
	command.Dir = root
	command.Env = append(secret.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0", "GOWORK=off")
	if out, err := command.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%.2000s", err, out)
	}
	return os.ReadFile(file)
}
