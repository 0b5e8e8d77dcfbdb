package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cartouche-gis/cartouche/internal/account"
	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// guide is one guided run. It fills in the options of `apply` by asking, and
// then does what `apply` does with them.
type guide struct {
	*program
	options rollOutOptions

	// login is the sign-in with its session; asked tells that somebody signed in
	// just now, kept that this is remembered for later commands.
	login       *app.Login
	asked, kept bool
	// subscriptions are those that were chosen; none means all of the tenant.
	subscriptions []account.Subscription

	chosen      deployment.Deployment
	bundle      *pki.Bundle // nil when no file was chosen
	credentials rotation.Credentials
	ready       *prepared
}

// guideStep is one question, or several about one thing. do asks only for what
// is not known, unless the person came back to it (again); when there is
// nothing to ask then, it gives errBack.
type guideStep struct {
	name string
	do   func(g *guide, ctx context.Context, again bool) error
}

// guideSteps are in the order of Cloud Builder's pages.
func guideSteps() []guideStep {
	return []guideStep{
		{"Cloud", (*guide).askCloud},
		{"Sign-in", (*guide).askSignIn},
		{"Tenant", (*guide).askTenant},
		{"Subscription", (*guide).askSubscription},
		{"Deployment", (*guide).askDeployment},
		{"Certificate", (*guide).askCertificate},
		{"Site administrator", (*guide).askSiteAdmin},
		{"Service account", (*guide).askServiceAccount},
		{"Review", (*guide).review},
	}
}

// guideCommand makes the command without a name: a guided run on a terminal, and
// the help elsewhere. Answers may be given beforehand, by the flags of apply.
func (a *program) guideCommand(root *cobra.Command) {
	var options rollOutOptions
	var answers cobra.Command
	options.add(&answers)
	answers.Flags().VisitAll(func(flag *pflag.Flag) {
		if flag.Name != "version" { // the root's own says the version of the program
			root.Flags().AddFlag(flag)
		}
	})
	root.RunE = a.run(func(ctx context.Context, _ []string) error {
		given := false
		root.LocalNonPersistentFlags().VisitAll(func(flag *pflag.Flag) { given = given || flag.Changed })
		switch {
		case a.env.StdinIsTerminal && a.env.StdoutIsTerminal && !a.ui.json:
			return a.guided(ctx, options)
		case given:
			return app.Usage("cartouche apply DEPLOYMENT, which takes the same flags", "the guided run needs a terminal")
		}
		return root.Help()
	})
}

func (a *program) guided(ctx context.Context, options rollOutOptions) error {
	if err := options.vault.Check(options.pfx.file != ""); err != nil {
		return err
	}
	if options.internal.asked() {
		return app.Usage("cartouche apply DEPLOYMENT"+options.internal.words(), "the guided run renews the certificate that clients see, not those of the machines")
	}
	if err := options.forClients(); err != nil {
		return err
	}
	g := &guide{program: a, options: options}
	defer g.dropLogin(ctx)
	g.tell(0, title("Renew the certificate of an ArcGIS Enterprise deployment"))
	g.tell(0, "Nothing is changed before a yes at the end. Enter takes what stands in [brackets], b goes back, Ctrl-C leaves.")
	steps := guideSteps()
	again := false
	for i := 0; i < len(steps); {
		err := steps[i].do(g, ctx, again)
		if err != nil && !errors.Is(err, errBack) && i < len(steps)-1 {
			err = g.mend(ctx, err)
		}
		switch {
		case errors.Is(err, errTryAgain):
			again = true
		case errors.Is(err, errBack):
			i, again = max(i-1, 0), true
		case err != nil:
			return err
		default:
			i, again = i+1, false
		}
	}
	return nil
}

// errTryAgain is the wish to do the same step once more.
var errTryAgain = errors.New("try again")

// mend says why a step failed and asks what to do, since another answer may be
// all that it takes.
func (g *guide) mend(ctx context.Context, err error) error {
	f := app.Explain(err)
	if ctx.Err() != nil || f.Code == "declined" || f.Code == app.SiteAdminRefused {
		return err
	}
	g.ui.showFailure(f)
	for {
		text, asked := g.reply(ctx, "Enter tries again, b goes back, q leaves", "")
		switch {
		case asked != nil && !errors.Is(asked, errBack):
			return told(&f)
		case asked != nil:
			return errBack
		case text == "":
			return errTryAgain
		case text == "q":
			return told(&f)
		}
	}
}

// dropLogin takes back a sign-in that was not remembered.
func (g *guide) dropLogin(ctx context.Context) {
	if g.asked && !g.kept {
		g.login.TakeBack(ctx)
	}
}

// step says which step begins.
func (g *guide) step(name string) {
	for i, s := range guideSteps() {
		if s.name == name {
			fmt.Fprintln(g.ui.err)
			g.tell(0, title(fmt.Sprintf("%d of %d  %s", i+1, len(guideSteps()), name)))
		}
	}
}

// answered says an answer and the flag that gives it; from is who gave it when
// nobody was asked.
func (g *guide) answered(what, answer, from, flags string) {
	if from != "" {
		answer += " (" + from + ")"
	}
	g.tell(0, g.ui.errors.tick(), " ", what, ": ", title(answer))
	if flags != "" {
		g.tell(4, accent(flags[1:])) // without the space before it
	}
}
