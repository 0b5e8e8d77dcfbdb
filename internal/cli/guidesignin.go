package cli

import (
	"cmp"
	"context"
	"slices"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// askCloud is the check box of Cloud Builder's sign-in page, and China.
func (g *guide) askCloud(ctx context.Context, again bool) error {
	remembered, known, err := g.recall()
	if err != nil {
		return err
	}
	in, err := g.theCloud(g.options.azure, remembered.Cloud)
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
	if !again && g.login != nil && g.login.in.Name == chosen.options.Cloud.Name {
		g.answered("signed in as", g.login.identity.Name, "as before", flagWord("sign-in", g.options.azure.signIn))
		return nil
	}
	if !again && chosen.origin != byDefault {
		ok, err := g.signedIn(ctx, chosen)
		if err != nil || ok {
			return err
		}
		if chosen.origin == byFlag {
			return g.enter(ctx, g.options.azure, g.personFirst(g.options.azure, chosen), "")
		}
	}
	g.step("Sign-in")
	ways := g.ways()
	options := make([]option, len(ways))
	preset := 0
	for i, w := range ways {
		options[i] = option{text: words(w.text), names: []string{string(w.kind)}, refused: w.refused}
		if w.kind == chosen.options.Kind {
			preset = i
		}
	}
	i, err := g.choose(ctx, "how", options, preset)
	if err != nil {
		return err
	}
	flags := g.options.azure
	flags.signIn = string(ways[i].kind)
	if chosen, err = g.chooseSignIn(ctx, flags); err != nil {
		return err
	}
	if chosen.options.Kind.OfPerson() {
		chosen = g.personFirst(flags, chosen)
	}
	return g.enter(ctx, flags, chosen, "")
}

// way is a way to sign in that makes sense for somebody at a terminal.
type way struct {
	kind    cloud.SignInKind
	text    string
	refused string
}

func (g *guide) ways() []way {
	noPrincipal := "set AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_SECRET (or AZURE_CLIENT_CERTIFICATE_PATH) first"
	// Without a word by flag, the environment says which of the two it is.
	if kind, _, err := g.chooseKind(azureFlags{tenant: g.options.azure.tenant}); err == nil && kind == cloud.ServicePrincipal {
		noPrincipal = ""
	}
	return []way{
		{cloud.Browser, "in the browser of this computer", ""},
		{cloud.DeviceCode, "by a code, in the browser of any computer", ""},
		{cloud.AzureCLI, "as Azure CLI is signed in (az login)", ""},
		{cloud.ServicePrincipal, "as a service principal, from the environment", noPrincipal},
		{cloud.ManagedIdentity, "as the managed identity of this machine", ""},
	}
}

// signedIn uses a sign-in that was given or kept. ok is false when the person
// has to sign in again.
func (g *guide) signedIn(ctx context.Context, chosen choice) (ok bool, err error) {
	if !chosen.options.Kind.OfPerson() {
		from := map[origin]string{byEnvironment: "from the environment", byLogin: "as at login"}[chosen.origin]
		return true, g.enter(ctx, g.options.azure, chosen, cmp.Or(from, "given"))
	}
	if chosen.options.Tokens == nil {
		return false, nil
	}
	network, err := g.wayOut()
	if err != nil {
		return false, err
	}
	l := &login{session: network, choice: chosen}
	if err := l.resume(ctx); err != nil {
		if cloud.NeedsPerson(err) {
			g.ui.warn("the kept sign-in of " + chosen.remembered.Name + " has ended")
			return false, nil
		}
		return false, app.WhileServing(l.proxy.instead(err), app.NothingChanged, "")
	}
	g.take(ctx, l, false)
	g.options.azure.signIn = string(chosen.options.Kind)
	g.answered("signed in as", cmp.Or(l.identity.Name, chosen.remembered.Name), "kept by cartouche login", flagWord("sign-in", g.options.azure.signIn))
	return true, nil
}

// resume takes the kept sign-in of a person; nobody is asked.
func (l *login) resume(ctx context.Context) error {
	options := &l.choice.options
	options.Client = l.client()
	person, err := cloud.NewPerson(*options)
	if err != nil {
		return err
	}
	token, err := person.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{options.Cloud.Audience + "/.default"}})
	if err != nil {
		return err
	}
	l.person, l.identity = person, cloud.IdentityOf(token)
	return l.use(options.Cloud, person)
}

// enter signs in. What nobody was asked for (from) is not remembered either.
func (g *guide) enter(ctx context.Context, flags azureFlags, chosen choice, from string) error {
	network, err := g.wayOut()
	if err != nil {
		return err
	}
	l := &login{session: network, choice: chosen}
	if err := l.signIn(ctx); err != nil {
		l.takeBack(ctx)
		return app.WhileServing(l.proxy.instead(err), app.NothingChanged, "")
	}
	flags.signIn = string(chosen.options.Kind)
	g.options.azure = flags
	g.take(ctx, l, from == "")
	g.answered("signed in as", cmp.Or(l.identity.Name, string(chosen.options.Kind)), from, flagWord("sign-in", flags.signIn))
	return nil
}

// take makes this the sign-in of the run.
func (g *guide) take(ctx context.Context, l *login, asked bool) {
	g.dropLogin(ctx)
	g.login, g.asked, g.kept = l, asked, false
}
