package reach_test

import (
	"context"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/rehearsal"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// serviceAccount: the program runs as the service account, on Linux whatever its
// password; a wrong one is told as such, and nothing of it is kept anywhere.
func (s *suite) serviceAccount(t *testing.T) {
	right := reach.Login{User: s.variable["CARTOUCHE_SERVICE_ACCOUNT"], Password: secret.New(s.variable["CARTOUCHE_SERVICE_ACCOUNT_PASSWORD"])}
	wrong := reach.Login{User: right.User, Password: secret.New("canary-wrong")}
	if s.at.OS == "linux" {
		wrong = reach.Login{User: "nobody-there", Password: right.Password}
	}
	for _, login := range []reach.Login{right, wrong} {
		password := login.Password.Reveal()
		way := s.place.agent(login)
		_, err := way.Do(t.Context(), s.at, s.job())
		switch {
		case login == wrong:
			if e := wantError(t, err, reach.RunAsRefused, false); e.Mend == "" {
				t.Error("it is not said what to do")
			}
		case err != nil:
			t.Errorf("as the service account: %v", err)
		}
		if err := way.Close(t.Context()); err != nil {
			t.Error(err)
		}
		s.nothingLeft(t)
		if held := s.Holding(password); len(held) > 0 {
			t.Errorf("the password is held by %v", held)
		}
	}
}

// Each row is one thing that goes wrong in Azure or on the machine, and what is
// made of it; afterwards nothing is left, whatever it was.
func TestTroubleOnTheWayToTheMachine(t *testing.T) {
	type row struct {
		fault  string
		code   reach.Code // "" when the job is done all the same
		unsure bool
	}
	atMachine := []row{
		{"disk-full@script", reach.DiskFull, false},
		{"script-hangs@script", reach.TimedOut, true},
		{"expired@blob-get*-1", reach.DownloadRefused, false},
	}
	inAzure := []row{
		{"lost-response@machine-child-put", "", false},
		{"throttle@machine-child-get", "", false},
		{"unavailable@machine-child-get", "", false},
		{"lost-response@machine-child-delete", "", false},
		{"forbidden@machine-child-put", reach.NotPermitted, false},
		{"machine-off@machine-child-put", reach.MachineOff, false},
		{"conflict@machine-child-put", reach.RunCommandBusy, false},
		{"forbidden@container-create", "", false}, // a key opens it
		{"throttle@blob-put", "", false},
	}
	for world, rows := range map[string][]row{"gitops": append(inAzure, atMachine...), "ha": atMachine} {
		t.Run(world, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, sim.Options{World: world, Scripts: true, Known: rehearsal.Known()})
			s := &suite{place: p, at: p.server()}
			for _, row := range rows {
				t.Run(row.fault, func(t *testing.T) {
					fault, err := ground.ParseFault(row.fault)
					if err != nil {
						t.Fatal(err)
					}
					happened := p.Ground().Ledger.Count(ground.FaultHappened)
					p.Ground().Faults.Add(fault)
					way := p.agent(reach.Login{})
					defer func() {
						p.Ground().Faults.Clear()
						if err := way.Close(context.WithoutCancel(t.Context())); err != nil {
							t.Errorf("Close: %v", err)
						}
						s.nothingLeft(t)
					}()
					ctx := t.Context()
					job := s.job(machine.Task{Kind: machine.Remove, Port: 6443, Alias: "never-there"})
					if row.code == reach.TimedOut {
						job.Limit = 50 * time.Minute // of the world, which is faster
						limited, cancel := context.WithTimeout(ctx, 3*time.Second)
						defer cancel()
						ctx = limited
					}
					report, err := way.Do(ctx, s.at, job)
					if p.Ground().Ledger.Count(ground.FaultHappened) == happened {
						t.Error("the fault did not happen")
					}
					switch {
					case row.code != "":
						wantError(t, err, row.code, row.unsure)
					case err != nil:
						t.Errorf("got %v", err)
					case len(report.Tasks) != 1:
						t.Errorf("the report has %d tasks", len(report.Tasks))
					}
				})
			}
			t.Run("the service account", s.serviceAccount)
			t.Run("machine off", func(t *testing.T) {
				if err := p.SetMachinePower(s.at.ID, "deallocated"); err != nil {
					t.Fatal(err)
				}
				_, err := p.agent(reach.Login{}).Do(t.Context(), s.at, s.job())
				wantError(t, err, reach.MachineOff, false)
				_ = p.SetMachinePower(s.at.ID, "running")
			})
			t.Run("agent not ready", func(t *testing.T) {
				if err := p.SetMachineAgent(s.at.ID, false); err != nil {
					t.Fatal(err)
				}
				_, err := p.agent(reach.Login{}).Do(t.Context(), s.at, s.job())
				wantError(t, err, reach.AgentNotReady, false)
			})
		})
	}
}
