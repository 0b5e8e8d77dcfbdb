// Package rehearsal prepares simulated worlds to rehearse a run in. CopyOf makes
// a world's file of a deployment's shape. Known lets cartouche-agent work at
// machines whose operating system this computer has not: the world recognises the
// script that starts it, and what the script would do is done here.
//
//	world, err := sim.Start(ctx, sim.Options{Scripts: true, Known: rehearsal.Known()})
package rehearsal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/agent"
	"github.com/cartouche-gis/cartouche/internal/egress"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/sim/computer"
)

// maxProgram bounds what is fetched as the agent's program.
const maxProgram = 64 << 20

// Known is what a simulated world is to know of our scripts: that for Windows.
// Those for Linux it runs as they are.
func Known() map[string]computer.Known {
	return map[string]computer.Known{computer.Hash(agent.Script("windows")): windows}
}

// windows does what script/run.ps1 does, in its order: it fetches the program
// from inside the virtual network and checks it. In place of running it, which
// this computer cannot, it runs the same code in this process, with the
// computer's own network and programs.
func windows(ctx context.Context, c *computer.Computer, parameters map[string]string) computer.Outcome {
	var stdout, stderr bytes.Buffer
	code := run(ctx, c, parameters, &stdout, &stderr)
	return computer.Outcome{Stdout: stdout.String(), Stderr: stderr.String(), ExitCode: code}
}

func run(ctx context.Context, c *computer.Computer, parameters map[string]string, stdout, stderr io.Writer) int {
	url, want, job, key := parameters[agent.ParameterURL], parameters[agent.ParameterSHA256], parameters[agent.ParameterJob], parameters[agent.ParameterKey]
	if url == "" || want == "" || job == "" || key == "" {
		return agent.Complain(stderr, agent.NoParameters, "agent_url, agent_sha256, agent_job and agent_key did not reach the script")
	}
	host, err := newHost(c)
	if err != nil {
		return agent.Complain(stderr, agent.DiskFull, err.Error())
	}
	defer host.remove()
	network, err := egress.FromEnvironment(host.Getenv)
	if err != nil {
		return agent.Complain(stderr, agent.DownloadRefused, err.Error())
	}
	network = network.WithDialer(c.Dial)
	program, err := fetch(ctx, network, url)
	sum := sha256.Sum256(program)
	is := hex.EncodeToString(sum[:])
	switch {
	case err != nil:
		return agent.Complain(stderr, agent.DownloadRefused, err.Error())
	case c.Full():
		return agent.Complain(stderr, agent.DiskFull, host.dir+" does not take the program")
	case is != want:
		return agent.Complain(stderr, agent.HashDiffers, fmt.Sprintf("what was fetched has SHA-256 %s, not %s; it was not run", is, want))
	}
	sealed, err := fetch(ctx, network, job)
	if err != nil {
		return agent.Complain(stderr, agent.DownloadRefused, err.Error())
	}
	worker := machine.Worker{Network: network, Host: host}
	return agent.Run(ctx, bytes.NewReader(sealed), strings.NewReader(key), stdout, stderr, worker.Do)
}

// fetch gives what is at an address, which comes in base64. Its errors do not
// show the address, which is signed.
func fetch(ctx context.Context, network *egress.Network, encoded string) ([]byte, error) {
	url, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, errors.New("the address of the program is not in base64")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, string(url), nil)
	if err != nil {
		return nil, errors.New("the address of the program is not one")
	}
	client := network.HTTPClient(0)
	defer client.CloseIdleConnections()
	answer, err := client.Transport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the remote server returned an error: (%d)", answer.StatusCode)
	}
	content, err := io.ReadAll(io.LimitReader(answer.Body, maxProgram))
	if err != nil {
		return nil, fmt.Errorf("the program did not arrive whole: %w", err)
	}
	return content, nil
}
