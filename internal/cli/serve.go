package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/web"
	"github.com/cartouche-gis/cartouche/internal/web/door"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

type serveOptions struct {
	port      int
	noBrowser bool
	idle      time.Duration
	world     string
	scale     float64
	faults    []string
}

func newServeCommand(a *program) *cobra.Command {
	var options serveOptions
	cmd := &cobra.Command{
		Use:     "serve",
		GroupID: groupLook,
		Short:   "open the pages: everything here, in a browser",
		Long: `Opens pages in the browser of this computer which do what the commands do: sign in, see
every deployment and what ends when, renew a certificate step by step, watch the run, take
it back, read what was done.

The pages are for one person and for this computer alone. The address that opens them is
good once; whoever else asks is sent away. After half an hour without anybody (--idle) they
lock themselves; what was started goes on. Enter in the terminal opens a new address.

Ctrl-C ends the pages. A run that is changing something then stops in order first: what was
changed goes back, and that is proved. A second Ctrl-C leaves at once.

With --world all of it happens in a simulated world on this computer, with faults to switch
on: to learn, to show, to try. Nothing of it touches Azure. "cartouche sim --help" lists
worlds and faults.

With --sign-key the evidence of every run that is begun in the pages is signed. The key stays
here: it does not go through the browser.`,
		Example: `  cartouche serve
  cartouche serve --world ha
  cartouche serve --port 8443 --no-browser
  cartouche serve --sign-key ~/.ssh/id_ed25519.pub
  cartouche serve --world single --fault wrong-leaf@edge`,
		Args: noArguments,
		RunE: a.run(func(ctx context.Context, _ []string) error { return a.serve(ctx, options) }),
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.IntVar(&options.port, "port", 0, "port on this computer; without: a free one `PORT`")
	flags.BoolVar(&options.noBrowser, "no-browser", false, "only show the address")
	flags.DurationVar(&options.idle, "idle", door.DefaultIdle, "after how long without anybody the pages lock themselves `TIME`")
	flags.StringVar(&options.world, "world", "", "a simulated world instead of Azure (see \"cartouche sim --help\") `WORLD`")
	flags.Float64Var(&options.scale, "scale", demoScale, "how many times faster than ours the time of the world goes `N`")
	flags.StringArrayVar(&options.faults, "fault", nil, "something goes wrong in the world, as name@step or name@step*times, repeatable `FAULT`")
	a.sign.add(flags)
	return exits(cmd, app.ExitDone, app.ExitUnexpected, app.ExitUsage, app.ExitInterrupted)
}

// serveValue is the JSON of `serve`, written when the pages answer.
type serveValue struct {
	// Address lets in whoever opens it first: it is as secret as a password.
	Address string `json:"address"`
	Port    int    `json:"port"`
	World   string `json:"world,omitempty"`
}

func (a *program) serve(ctx context.Context, options serveOptions) error {
	if err := options.check(); err != nil {
		return err
	}
	key, err := a.signingKey(ctx)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	settings := web.Options{App: a.App.With(nil), Version: a.env.Version, World: options.world, SignKey: key}
	if options.world != "" {
		world, end, err := a.worldOfPages(ctx, options)
		if err != nil {
			return err
		}
		defer end()
		settings.App, settings.Simulated, settings.Scale = world.inner.With(nil), world.World, options.scale
	}
	listeners, err := door.Listen(ctx, options.port)
	if err != nil {
		return app.Usage("leave --port out, or choose another one", "%s", err)
	}
	pages := web.New(ctx, settings)
	opened, err := pages.Open(listeners[0].Addr(), door.Options{
		Idle: options.idle, ByNumber: runtime.GOOS == "darwin", // Safari does not look for names under localhost here
	})
	if err != nil {
		return err
	}
	server := opened.Server(pages)
	failed := make(chan error, len(listeners))
	for _, listener := range listeners {
		go func() { failed <- server.Serve(listener) }()
	}
	s := &openPages{program: a, options: options, door: opened, port: listeners[0].Addr().(*net.TCPAddr).Port}
	if err := s.announce(ctx); err != nil {
		return err
	}
	go s.listenForEnter(ctx)
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	stop() // what goes on, too
	return errors.Join(err, s.end(ctx, pages, server))
}

func (o serveOptions) check() error {
	switch {
	case o.port < 0 || o.port > 65535:
		return app.Usage("cartouche serve --help", "there is no port %d", o.port)
	case o.idle < time.Minute || o.idle > 24*time.Hour:
		return app.Usage("cartouche serve --help", "--idle %s: between a minute and a day, please", o.idle)
	case o.world == "" && len(o.faults) > 0:
		return app.Usage("add --world WORLD", "faults are for simulated worlds; nothing goes wrong on purpose in Azure")
	}
	return nil
}

// openPages is the pages, as whoever started them sees them.
type openPages struct {
	*program
	options serveOptions
	door    *door.Door
	port    int
}

// announce says where the pages are, and opens them.
func (s *openPages) announce(ctx context.Context) error {
	address := s.door.Address()
	if s.ui.json {
		if err := s.ui.value(serveValue{Address: address, Port: s.port, World: s.options.world}); err != nil {
			return err
		}
	} else {
		s.ui.say(title("The pages are open"), faint("  until Ctrl-C"))
		s.sayAddress(address)
		if s.options.world != "" {
			s.ui.sayIndented(2, faint("They show the simulated world "), words(s.options.world), faint(": nothing here touches Azure."))
		}
		s.ui.sayIndented(2, faint("The address is good once, for ten minutes, on this computer."))
		if s.env.StdinIsTerminal {
			s.ui.sayIndented(2, faint("Enter opens a new one: for another browser, or when the pages are locked."))
		}
	}
	s.show(ctx, address)
	return nil
}

// sayAddress writes it on a line of its own, whole, so that it can be copied.
func (s *openPages) sayAddress(address string) {
	fmt.Fprintln(s.ui.out, "  "+s.ui.outStyle.render(words(accent(address))))
}

// show opens an address in the browser. Where there is none, that is said once.
func (s *openPages) show(ctx context.Context, address string) {
	if s.options.noBrowser || s.env.OpenBrowser == nil {
		return
	}
	if err := s.env.OpenBrowser(ctx, address); err != nil && ctx.Err() == nil {
		s.options.noBrowser = true
		s.ui.warn(fmt.Sprintf("no browser could be opened here: %s. Open the address on this computer yourself", err))
	}
}

// listenForEnter gives a new address for each Enter on the terminal.
func (s *openPages) listenForEnter(ctx context.Context) {
	if !s.env.StdinIsTerminal || s.ui.json {
		return
	}
	for {
		if _, err := s.lines().ReadString('\n'); err != nil || ctx.Err() != nil {
			return
		}
		address := s.door.Address()
		s.sayAddress(address)
		s.show(ctx, address)
	}
}

// working is what goes on in the pages.
type working interface {
	Running() []work.Job
	Wait(context.Context) error
}

// end stops in order: runs first, since what they change has to go back, and the
// pages show that; then the pages.
func (s *openPages) end(ctx context.Context, pages working, server *http.Server) error {
	ctx = context.WithoutCancel(ctx)
	for _, run := range pages.Running() {
		if gateway := "--gateway " + app.Quote(run.About); s.options.world == "" {
			s.changing.Store(&gateway) // for who leaves at once all the same
		}
		s.ui.warn("stops in order, and the pages show how: " + run.Title)
	}
	err := pages.Wait(ctx)
	s.changing.Store(nil)
	ctx, cancel := context.WithTimeout(ctx, shutdownTime)
	defer cancel()
	if server.Shutdown(ctx) != nil {
		_ = server.Close() // a browser that does not let go
	}
	return err
}

// shutdownTime is how long answers that are under way may take when all else has ended.
const shutdownTime = 5 * time.Second
