package cli

import (
	"cmp"
	"context"
	"slices"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// askCloud is the check box of Cloud Builder's sign-in page, and China.
func (g *guide) askCloud(ctx context.Context, again bool) error {
	remembered, known, err := g.Recall()
	if err != nil {
		return err
	}
	in, err := g.CloudNamed(g.options.azure.cloud, remembered.Cloud)
	if err != nil {
		return err
	}
	from := ""
	switch {
	case g.options.azure.cloud != "":
		from = "given"
	case g.env.Lookup("CARTOUCHE_CLOUD") != "":
		from = "from CARTOUCHE_CLOUD"
	case known:
		from = "as at login"
	}
	names := map[string]string{"public": "Azure", "usgov": "Azure U.S. Government", "china": "Azure China (21Vianet)"}
	if again || from == "" {
		g.step("Cloud")
		list := []string{"public", "usgov", "china"}
		options := make([]option, len(list))
		for i, name := range list {
			options[i] = option{text: words(names[name]), names: []string{name, names[name]}}
		}
		i, err := g.choose(ctx, "cloud", options, slices.Index(list, in.Name))
		if err != nil {
			return err
		}
		if list[i] != in.Name { // what was chosen elsewhere is of no use here
			g.options.azure.signIn, g.options.azure.tenant, g.options.azure.subscriptions = "", "", nil
		}
		in.Name, from = list[i], ""
	}
	g.options.azure.cloud = in.Name
	g.answered("cloud", names[in.Name], from, flagWord("cloud", in.Name))
	return nil
}

// askSignIn takes the sign-in that is there, else asks for the way.
func (g *guide) askSignIn(ctx context.Context, again bool) error {
	chosen, err := g.chooseSignIn(ctx, g.options.azure)
	if err != nil {
		return err
	}
	if !again && g.login != nil && g.login.In.Name == chosen.Options.Cloud.Name {
		g.answered("signed in as", g.login.Identity.Name, "as before", flagWord("sign-in", g.options.azure.signIn))
		return nil
	}
	if !again && chosen.Origin != app.ByDefault {
		ok, err := g.signedIn(ctx, chosen)
		if err != nil || ok {
			return err
		}
		if chosen.Origin == app.ByFlag {
			return g.enter(ctx, g.options.azure, g.PersonFirst(g.signInAsked(ctx, g.options.azure), chosen), "")
		}
	}
	g.step("Sign-in")
	ways := g.Ways(g.signInAsked(ctx, g.options.azure))
	options := make([]option, len(ways))
	preset := 0
	for i, w := range ways {
		options[i] = option{text: words(w.Text), names: []string{string(w.Kind)}, refused: w.Refused}
		if w.Kind == chosen.Options.Kind {
			preset = i
		}
	}
	i, err := g.choose(ctx, "how", options, preset)
	if err != nil {
		return err
	}
	flags := g.options.azure
	flags.signIn = string(ways[i].Kind)
	if chosen, err = g.chooseSignIn(ctx, flags); err != nil {
		return err
	}
	if chosen.Options.Kind.OfPerson() {
		chosen = g.PersonFirst(g.signInAsked(ctx, flags), chosen)
	}
	return g.enter(ctx, flags, chosen, "")
}

// signedIn uses a sign-in that was given or kept. ok is false when the person
// has to sign in again.
func (g *guide) signedIn(ctx context.Context, chosen app.Choice) (ok bool, err error) {
	if !chosen.Options.Kind.OfPerson() {
		from := map[app.Origin]string{app.ByEnvironment: "from the environment", app.ByLogin: "as at login"}[chosen.Origin]
		return true, g.enter(ctx, g.options.azure, chosen, cmp.Or(from, "given"))
	}
	if chosen.Options.Tokens == nil {
		return false, nil
	}
	l, err := g.NewLogin(chosen)
	if err != nil {
		return false, err
	}
	g.atEnd(l.Close)
	if err := l.Resume(ctx); err != nil {
		if cloud.NeedsPerson(err) {
			g.ui.warn("the kept sign-in of " + chosen.Remembered.Name + " has ended")
			return false, nil
		}
		return false, app.WhileServing(l.Instead(err), app.NothingChanged, "")
	}
	g.take(ctx, l, false)
	g.options.azure.signIn = string(chosen.Options.Kind)
	g.answered("signed in as", cmp.Or(l.Identity.Name, chosen.Remembered.Name), "kept by cartouche login", flagWord("sign-in", g.options.azure.signIn))
	return true, nil
}

// enter signs in. What nobody was asked for (from) is not remembered either.
func (g *guide) enter(ctx context.Context, flags azureFlags, chosen app.Choice, from string) error {
	return g.LogInAs(ctx, chosen, "", func(ctx context.Context, l *app.Login) error {
		g.atEnd(l.Close)
		flags.signIn = string(chosen.Options.Kind)
		g.options.azure = flags
		g.take(ctx, l, from == "")
		g.answered("signed in as", cmp.Or(l.Identity.Name, string(chosen.Options.Kind)), from, flagWord("sign-in", flags.signIn))
		return nil
	})
}

// take makes this the sign-in of the run.
func (g *guide) take(ctx context.Context, l *app.Login, asked bool) {
	g.dropLogin(ctx)
	g.login, g.asked, g.kept = l, asked, false
}
