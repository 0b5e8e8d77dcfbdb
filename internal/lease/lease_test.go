package lease_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/lease"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

var (
	anna = lease.Holder{Who: "anna", Host: "gis-01", State: "statea"}
	ben  = lease.Holder{Who: "ben", Host: "laptop", State: "stateb"}
)

// place is a world and where claims are kept in it.
type place struct {
	t     *testing.T
	world *sim.World
	group string
	lease.Site
}

func open(t *testing.T, change ...func(*sim.Options)) *place {
	t.Parallel()
	options := sim.Options{World: "single", Scale: 600, Dir: t.TempDir()}
	options.Machines.Key = "p256"
	for _, c := range change {
		c(&options)
	}
	world := worldtest.Start(t, options)
	visitor := worldtest.Enter(t, world.Environment(), cloud.Options{PollInterval: time.Second})
	gateway := world.Deployments()[0].GatewayID
	group, err := cloud.GroupOf(gateway)
	if err != nil {
		t.Fatal(err)
	}
	return &place{t, world, group, lease.Site{Azure: visitor.Azure, GatewayID: gateway, Pause: 5 * time.Millisecond}}
}

func (p *place) acquire(who lease.Holder) *lease.Lease {
	p.t.Helper()
	l, err := p.Acquire(p.t.Context(), who)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = l.Release(context.Background()) })
	return l
}

// held is whom a refusal names.
func (p *place) held(who lease.Holder) *lease.HeldError {
	p.t.Helper()
	l, err := p.Acquire(p.t.Context(), who)
	held, is := errors.AsType[*lease.HeldError](err)
	if !is {
		if l != nil {
			_ = l.Release(context.Background())
		}
		p.t.Fatalf("acquire: %v, want a *HeldError", err)
	}
	return held
}

func (p *place) lost(l *lease.Lease, says string) {
	p.t.Helper()
	err := l.May(p.t.Context())
	lost, is := errors.AsType[*lease.LostError](err)
	if !is || !strings.Contains(lost.Error(), says) {
		p.t.Errorf("may: %v, want lost: %q", err, says)
	}
}

// ours are the tags that claims are kept in.
func (p *place) ours() []string {
	tags, _ := p.world.Manager().Document(p.group)["tags"].(map[string]any)
	return slices.Sorted(func(yield func(string) bool) {
		for name := range tags {
			if strings.HasPrefix(name, "cartouche-") && !yield(name) {
				return
			}
		}
	})
}

// write puts a tag there by hand.
func (p *place) write(name, value string) {
	p.world.Manager().Edit(p.group, func(document map[string]any) {
		tags, _ := document["tags"].(map[string]any)
		tags = maps.Clone(tags)
		if tags == nil {
			tags = map[string]any{}
		}
		if tags[name] = value; value == "" {
			delete(tags, name)
		}
		document["tags"] = tags
	})
}

func TestTheSecondIsToldWhoTheFirstIs(t *testing.T) {
	p := open(t)
	first := p.acquire(anna)
	held := p.held(ben)
	if held.Who != "anna" || held.Host != "gis-01" || held.Run != first.Claim().Run || held.Until.Sub(held.Since) != lease.Term {
		t.Errorf("it is told of %+v", held.Claim)
	}
	if err := first.May(t.Context()); err != nil {
		t.Errorf("the first may not go on: %v", err)
	}
	if claims, err := p.Claims(t.Context()); err != nil || len(claims) != 1 || claims[0] != first.Claim() {
		t.Errorf("claims: %+v, %v", claims, err)
	}
	if err := first.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.acquire(ben)
	if writes := p.world.Ground().Ledger.Count(ground.GatewayWrite); writes != 0 {
		t.Errorf("%d writes of the gateway", writes)
	}
}

func TestNothingIsLeftAndNothingElseIsTouched(t *testing.T) {
	p := open(t)
	p.write("costs", "4711")
	if err := p.acquire(anna).Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	tags := p.world.Manager().Document(p.group)["tags"].(map[string]any)
	if left := p.ours(); len(left) != 0 || tags["costs"] != "4711" {
		t.Errorf("tags of the group: %v", tags)
	}
}

func TestGatewaysOfOneGroupAreNotInEachOthersWay(t *testing.T) {
	p := open(t)
	p.acquire(anna)
	p.GatewayID += "-2"
	p.acquire(ben)
}

// Twenty at once: one of them works, never two, and somebody does.
func TestOfTwentyAtOnceOneHoldsIt(t *testing.T) {
	p := open(t)
	for round := range 5 {
		var holding, most, holders atomic.Int32
		var group sync.WaitGroup
		begin := make(chan struct{})
		for i := range 20 {
			group.Go(func() {
				<-begin
				l, err := p.Acquire(t.Context(), lease.Holder{Who: fmt.Sprint("user", i), Host: "host", State: fmt.Sprint("state", i)})
				if err != nil {
					if _, is := errors.AsType[*lease.HeldError](err); !is {
						t.Errorf("contender %d: %v", i, err)
					}
					return
				}
				holders.Add(1)
				if now := holding.Add(1); now > most.Load() {
					most.Store(now)
				}
				time.Sleep(100 * time.Millisecond) // it works
				if err := l.May(t.Context()); err != nil {
					t.Errorf("holder %d: %v", i, err)
				}
				holding.Add(-1)
				if err := l.Release(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		close(begin)
		group.Wait()
		if most.Load() > 1 || holders.Load() == 0 {
			t.Errorf("round %d: %d held it, %d at once", round, holders.Load(), most.Load())
		}
		if left := p.ours(); len(left) != 0 {
			t.Errorf("round %d leaves %v", round, left)
		}
	}
}

func TestAKilledRunIsTakenOverByItsOwnComputerAtOnceAndByOthersWhenItsClaimEnds(t *testing.T) {
	p := open(t)
	killed := p.acquire(anna)
	next := p.acquire(anna) // who has the lock of the operating system
	if len(next.TookOver) != 1 || next.TookOver[0].Run != killed.Claim().Run {
		t.Errorf("took over %+v", next.TookOver)
	}
	p.lost(killed, "is gone")
	p.held(ben)
	p.held(lease.Holder{Who: "anna", Host: "gis-02", State: anna.State}) // a copy of the directory elsewhere
	p.world.Ground().Clock.Advance(lease.Term + 30*time.Second)
	p.held(ben) // the margin
	p.lost(next, "has ended at")
	p.world.Ground().Clock.Advance(time.Minute)
	p.acquire(ben)
	if tags := p.ours(); len(tags) != 1 {
		t.Errorf("what has expired is still there: %v", tags)
	}
}

func TestABrokenClaimEndsItsRun(t *testing.T) {
	p := open(t)
	first := p.acquire(anna)
	if err := p.Break(t.Context(), ben, []lease.Claim{first.Claim()}); err != nil {
		t.Fatal(err)
	}
	p.lost(first, "ben at laptop has broken its claim")
	// A renewal that was under way writes the claim once more.
	p.write(first.Claim().Tag(), "v1 holds "+time.Now().UTC().Format(time.RFC3339)+" "+time.Now().Add(lease.Term).UTC().Format(time.RFC3339)+" statea anna@gis-01")
	second := p.acquire(ben)
	if err := second.May(t.Context()); err != nil {
		t.Errorf("the second may not go on: %v", err)
	}
	p.lost(first, "ben at laptop has broken its claim")
	if err := errors.Join(first.Release(t.Context()), second.Release(t.Context())); err != nil {
		t.Error(err)
	}
	if left := p.ours(); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestAClaimIsRenewed(t *testing.T) {
	p := open(t)
	p.Renewal = 10 * time.Millisecond
	first := p.acquire(anna)
	for range 3 { // an hour
		p.world.Ground().Clock.Advance(lease.Term - time.Minute)
		since := first.Claim().Until
		for first.Claim().Until.Equal(since) {
			if err := first.May(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	p.held(ben)
}

func TestWhileAzureDoesNotAnswerTheClaimHoldsAsLongAsItLasts(t *testing.T) {
	p := open(t)
	first := p.acquire(anna)
	p.world.Ground().Faults.Add(ground.Fault{Name: "forbidden", Step: "tags-get", Times: -1})
	if err := first.May(t.Context()); err != nil {
		t.Errorf("may: %v", err)
	}
}

// The clocks of computers may be wrong by an hour: Azure's counts.
func TestClocksThatDifferByAnHour(t *testing.T) {
	p := open(t)
	late, early := p.Site, p.Site
	late.Now = func() time.Time { return time.Now().Add(-time.Hour) }
	early.Now = func() time.Time { return time.Now().Add(time.Hour) }
	for _, pair := range [][2]lease.Site{{late, early}, {early, late}} {
		first, err := pair[0].Acquire(t.Context(), anna)
		if err != nil {
			t.Fatal(err)
		}
		if l, err := pair[1].Acquire(t.Context(), ben); err == nil {
			t.Errorf("two hold it: %+v beside %+v", l.Claim(), first.Claim())
		}
		if err := errors.Join(first.May(t.Context()), first.Release(t.Context())); err != nil {
			t.Error(err)
		}
	}
}

// Where reads lag behind, two may think they are alone: the younger stops before
// its next change that comes after the lag.
func TestWhereReadsLagBehindTheYoungerStops(t *testing.T) {
	p := open(t, func(o *sim.Options) { o.Guesses.Manager.TagsStale = 5 * time.Second }) // in the world's time
	var leases []*lease.Lease
	var mu sync.Mutex
	var group sync.WaitGroup
	for _, who := range []lease.Holder{anna, ben} {
		group.Go(func() {
			l, err := p.Acquire(t.Context(), who)
			if err != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			leases = append(leases, l)
		})
	}
	group.Wait()
	p.world.Ground().Clock.Advance(time.Minute)
	may := 0
	for _, l := range leases {
		if l.May(t.Context()) == nil {
			may++
		}
		_ = l.Release(t.Context())
	}
	if len(leases) > 0 && may != 1 {
		t.Errorf("%d think they hold it, and %d may go on", len(leases), may)
	}
}

func TestWhatIsInATagIsData(t *testing.T) {
	p := open(t)
	first := p.acquire(anna)
	tag := first.Claim().Tag()
	_ = first.Release(t.Context())
	for value, says := range map[string]string{
		"v9 something of a newer version": "cannot be read",
		"v1 holds never ever s a@b":       "cannot be read",
		strings.Repeat("v1 ", 80):         "cannot be read",
		"v1 holds 2020-01-01T00:00:00Z 2999-01-01T00:00:00Z s \x1b[31m<b>$(rm)`@\u202ehost":          "?[31m<b>$(rm)` at ?host",
		"v1 holds 2020-01-01T00:00:00Z 2999-01-01T00:00:00Z s " + strings.Repeat("a", 100) + "@host": strings.Repeat("a", 48) + " at host",
	} {
		p.write(tag, value)
		if held := p.held(ben); !strings.Contains(held.Error(), says) || strings.ContainsAny(held.Error(), "\x1b\u202e") {
			t.Errorf("%q is told as %q", value, held)
		}
		claims, err := p.Claims(t.Context())
		if err != nil || len(claims) != 1 {
			t.Fatalf("%q: %v, %v", value, claims, err)
		}
		if err := p.Break(t.Context(), ben, claims); err != nil {
			t.Fatal(err)
		}
		if claims, _ := p.Claims(t.Context()); len(claims) != 0 {
			t.Errorf("%q: there is still %v", value, claims)
		}
		for _, name := range p.ours() {
			p.write(name, "")
		}
	}
}

// A tag may have a name that no tag of ours could have: it is in the way until
// it is broken, and can be.
func TestAClaimOfAStrangeName(t *testing.T) {
	p := open(t)
	first := p.acquire(anna)
	tag := strings.TrimSuffix(first.Claim().Tag(), first.Claim().Run) + "\u00e9\u202e"
	_ = first.Release(t.Context())
	p.write(tag, first.Claim().Tag())
	p.held(ben)
	claims, err := p.Claims(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Break(t.Context(), ben, claims); err != nil {
		t.Fatal(err)
	}
	if left := p.ours(); len(left) != 0 {
		t.Errorf("there is still %q", left)
	}
}

// A claim can be broken although the group has as many tags as it may.
func TestAClaimInAGroupThatIsFull(t *testing.T) {
	p := open(t)
	first := p.acquire(anna)
	for n := range 49 {
		p.write(fmt.Sprint("costs", n), "4711")
	}
	claims, err := p.Claims(t.Context())
	if err != nil || len(claims) != 1 {
		t.Fatalf("%v, %v", claims, err)
	}
	if err := p.Break(t.Context(), ben, claims); err != nil {
		t.Fatal(err)
	}
	if claims, err := p.Claims(t.Context()); err != nil || len(claims) != 0 {
		t.Errorf("there is still %v, %v", claims, err)
	}
	p.lost(first, "ben at laptop has broken its claim")
}

// Whoever is interrupted while claiming leaves nothing.
func TestAnInterruptedClaimIsTakenBack(t *testing.T) {
	p := open(t)
	p.write("cartouche-run-x", "not of this gateway")
	first := p.acquire(anna)
	_ = first.Release(t.Context())
	p.write(first.Claim().Tag(), "v1 tries 2020-01-01T00:00:00Z 2999-01-01T00:00:00Z s carl@host")
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	p.Pause = time.Hour
	if _, err := p.Acquire(ctx, ben); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("acquire: %v", err)
	}
	if left := p.ours(); len(left) != 2 {
		t.Errorf("left: %v", left)
	}
}

// Whoever wants to change something while another look at the claim is stuck in
// the network still gives up with the own context, as Ctrl-C has it.
func TestNobodyWaitsForAnotherLookLongerThanTheOwnContext(t *testing.T) {
	p := open(t)
	var stuck atomic.Bool
	looking := make(chan struct{}, 1)
	p.Azure = worldtest.EnterBy(t, nil, func(inner http.RoundTripper) http.RoundTripper {
		return through(func(r *http.Request) (*http.Response, error) {
			if stuck.Load() {
				looking <- struct{}{}
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return inner.RoundTrip(r)
		})
	}, p.world.Environment(), cloud.Options{}).Azure
	l := p.acquire(anna)
	stuck.Store(true)
	slow, give := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- l.May(slow) }()
	<-looking
	stuck.Store(false)
	interrupted, interrupt := context.WithCancel(t.Context())
	interrupt()
	answer := make(chan error, 1)
	go func() { answer <- l.May(interrupted) }()
	select {
	case err := <-answer:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the interrupted one: %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("the interrupted one still waits")
	}
	give()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the slow one: %v", err)
	}
	if err := l.May(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// through is a way through which requests go.
type through func(*http.Request) (*http.Response, error)

func (f through) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
