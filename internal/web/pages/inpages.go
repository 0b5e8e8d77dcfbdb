package pages

import (
	"regexp"
	"strings"
	"sync"
)

// InPages says in the words of the pages what a text of the application says in
// those of the command line: where a flag or a command is named, it names the place
// in the pages where the same is done. What has no page stays as it is. Commands of
// Azure's own are left alone.
func InPages(text string) string {
	if !strings.Contains(text, "--") && !strings.Contains(text, "cartouche ") {
		return text
	}
	for _, row := range inPages() {
		text = row.typed.ReplaceAllString(text, row.done)
	}
	return text
}

type inPagesRow struct {
	typed *regexp.Regexp
	done  string
}

// How arguments look: ARG is one, DEPLOYMENT names a deployment, FLAGS are flags
// with or without a value.
var arguments = strings.NewReplacer(
	"DEPLOYMENT", `(?:--gateway ARG(?: --name ARG)*|ARG)`,
	"FLAGS", `(?: --[a-z-]+(?: ARG)?)*`,
)

const argument = `(?:'[^']*'|"[^"]*"|[^\s;,()'"-][^\s;,()]*)`

func compiled(pattern string) *regexp.Regexp {
	return regexp.MustCompile(strings.ReplaceAll(arguments.Replace(pattern), "ARG", argument))
}

// moreChoices is where a renewal has what hardly anybody needs.
const moreChoices = "under “More choices”"

// inPagesTexts is the table, by subject; what is more particular stands first.
var inPagesTexts = [][2]string{
	// Taking back, and cleaning up.
	{`cartouche undo puts`, `taking the run back puts`},
	{`: cartouche undo; else`, `: take it back, on its page under History; else`},
	{`take the later run back first: cartouche undo (ARG)`, `take the later run $1 back first`},
	{`cartouche undo (ARG)`, `take run $1 back, on its page under History`},
	{`cartouche clean(?: DEPLOYMENT)?(?: --internal)? (removes|remove)`, `cleaning up $1`},
	{`cartouche clean DEPLOYMENT(?: --internal)?`, `clean up, on the deployment’s page`},

	// Certificates, and where they come from.
	{`roll the old \.pfx out with cartouche apply`, `renew with the old .pfx`},
	{`roll the old \.pfx out, if there is one: --internal pfx`, `replace the certificates of the machines by the old .pfx, if there is one`},
	{`or issue a fresh one: --internal issue`, `or choose “Made here”`},
	{`issue everything anew: --anew`, `issue everything anew, which is a choice where the certificates come from`},
	{`(?i)(roll out) a certificate with its full chain: cartouche apply DEPLOYMENTFLAGS`, `Renew with a certificate that has its full chain`},
	{`with a plan of its own: cartouche plan DEPLOYMENT --internal issue`, `with a plan of its own: “Replace their certificates”, on the deployment’s page`},
	{`make the right one the newest: cartouche apply DEPLOYMENT --pfx FILE`, `make the right one the newest: renew with its file`},
	{`hold what is served now: cartouche apply DEPLOYMENT --vault (ARG) --certificate (ARG) --version (ARG)`, `hold what is served now: renew from Key Vault, with version $3 of $2 in $1`},
	{`name a version: cartouche apply DEPLOYMENT --vault VAULT --certificate NAME --version VERSION`, `renew with one version: from Key Vault, “Choose one of its versions”`},
	{`cartouche apply DEPLOYMENT --reference`, `renew, and choose ` + moreChoices + ` that the gateway refers to Key Vault`},
	{`make the plan again: cartouche plan DEPLOYMENTFLAGS`, `make the plan again`},
	{`cartouche plan DEPLOYMENT --pfx FILE --save PLAN`, `make the plan again`},
	{`say which certificate: --pfx FILE, or --vault VAULT --certificate NAME`, `say which certificate: a file, or one in Key Vault`},
	{`cartouche (?:apply|plan) DEPLOYMENTFLAGS`, `renew the deployment`},
	{`: cartouche check ARG`, `, with “Check”`},

	// Key Vault.
	{`^--vault: `, ``},
	{`: cartouche upload --vault (ARG) --certificate (ARG) --pfx ARG`, `, with “Put a file into a Key Vault” (a link under “Check”)`},
	{`cartouche upload --vault (ARG) --certificate (ARG) --pfx ARG`, `put a file into a Key Vault (a link under “Check”)`},
	{`follows it gets it: cartouche certificates --vault ARG(?: ARG)?`, `follows it gets it`},
	{`: cartouche certificates --vault (ARG)(?: ARG)?`, `, in the vault $1`},
	{`cartouche certificates --vault (ARG)(?: ARG)?`, `look into the vault $1`},
	{`cartouche vaults(?: --verbose)?`, `see which Key Vaults there are, where the certificate is chosen`},
	{`--vault VAULT --certificate NAME says which; with --pfx the file is imported there`, `“From Key Vault” says which; “Create in Key Vault” imports the file there`},
	{`--inline copies the certificate to the gateway`, moreChoices + ` the gateway can hold the certificate itself`},
	{`leave --inline out: the`, `choose “As it fits” ` + moreChoices + `: the`},
	{`--reference imports the file there and makes the listener follow the newest version; --inline cuts the link`,
		`choose ` + moreChoices + ` that the gateway refers to Key Vault: the file is imported there, and the listener follows the newest version; “It holds the certificate itself” cuts the link`},
	{`and leave --identity out: `, `and name no identity ` + moreChoices + `: `},
	{`with --identity ID`, moreChoices},
	{`--identity (ARG) is not`, `$1 is not`},
	{`--version makes the listeners`, `one version makes the listeners`},
	{`leave --version out to follow the newest`, `choose “Always the newest version” to follow it`},
	{`leave --version out`, `choose “Always the newest version”`},
	{`--version needs a certificate`, `a version needs a certificate`},
	{`--vault VAULT --certificate NAME --version VERSION`, `choose it from Key Vault`},
	{`--vault and --certificate go together`, `a vault and a certificate in it go together`},
	{`--reference and --inline exclude each other`, `the gateway refers to Key Vault, or it holds the certificate itself: not both`},
	{`--reference follows the newest version, --version keeps to one`, moreChoices + ` it says that the gateway follows the newest version, which excludes keeping to one`},
	{`--pfx FILE, or --vault VAULT --certificate NAME`, `choose a file, or one in Key Vault`},
	{`--inline needs a certificate`, `what the gateway is to hold itself has to be chosen`},
	{`--certificate (ARG): a name`, `$1: a name`},

	{`name the right file with --pfx`, `choose the right file`},

	// What is accepted, and whose authority.
	{`say --allow-older`, `accept ` + moreChoices + ` a certificate that ends earlier`},
	{`say --allow-weaker`, `accept a shorter key ` + moreChoices},
	{`name the root with --roots FILE, or say --assume-trusted if that is done`, `name the root ` + moreChoices + `, or say there that all machines know it`},
	{`name it with --roots FILE`, `name it ` + moreChoices},
	{` \(SSL_CERT_FILE, --roots\)`, ` (by SSL_CERT_FILE or ` + moreChoices + `)`},
	{`say so with --assume-trusted`, `say so ` + moreChoices},
	{` \(--assume-trusted\)`, ``},
	{`name the authority that issued it: --machine-ca FILE`, `name the authority that issued it, beside the logins`},

	// Logins.
	{`give --site-admin(?: NAME)? and its password(?: \([A-Z_, ]+\))?`, `give the site administrator’s login`},
	{`give --service-account(?: NAME)? and its password(?: \([A-Z_, ]+\))?`, `give the service account’s login`},
	{`without it: --without-portal`, `without Portal`},
	{`with --service-account`, `with the logins`},
	{`Give it: --server-pfx-password-file FILE \(of Portal: --portal-pfx-password-file FILE\), with the password`, `Give it with the logins: the password`},

	// The way to the machines.
	{`Take another way: --reach agent, or --reach direct from`, `Take another way: Azure’s Run Command, or directly from`},
	{`use the way agent, which runs a program there: --reach agent`, `take Azure’s Run Command as the way, which runs a program there`},
	{`choose another way: --reach direct or --reach agent`, `choose another way: directly, or Azure’s Run Command`},
	{`by another way \(--reach agent\)`, `by another way (Azure’s Run Command)`},
	{` \(--reach direct\)`, ``},
	{`use --reach direct from`, `reach it directly from`},
	{`agent, as was asked for \(--reach\)`, `by Azure’s Run Command, as was chosen`},
	{`, as was asked for \(--reach\)`, `, as was chosen`},
	{`^--reach none$`, `as was chosen`},
	{`leave --reach none out`, `choose another way to the machines`},
	{`--reach dsc`, `the machines’ own DSC`},
	{`(?:--reach [a-z]+, )+--reach [a-z]+`, `choose one that is offered`},
	{`--reach agent`, `choose Azure’s Run Command`},
	{`--reach (ARG) is no way`, `$1 is no way`},

	// Who works on it.
	{`\(--no-lease goes on without\)`, `(` + moreChoices + ` one can go on without)`},
	{`none: --no-lease`, `none, as was chosen`},
	{` \(--no-lease\)`, ``},
	{`: cartouche unlock DEPLOYMENT`, `, its claim can be broken: on the deployment’s page`},
	{`cartouche unlock DEPLOYMENT`, `break the claim, on the deployment’s page`},

	// Which deployment, and its names.
	{`cartouche deployments lists them`, `the list of deployments shows them`},
	{`cartouche deployments(?: --verbose)?`, `see the list of deployments`},
	{`: --name NAME, as often as needed`, `, with the deployment`},
	{`: --name NAME`, `, with the deployment`},
	{`with --name(\.|,|$)`, `with the deployment$1`},
	{`give --name as users type it`, `give the name as users type it`},
	{`^--name: `, ``},

	// Looking, and what was done.
	{`cartouche verify DEPLOYMENT, then the same command again`, `look at the deployment, then do the same again`},
	{`cartouche (?:verify|show) DEPLOYMENT(?: --reach ARG)?`, `look at the deployment`},
	{`: cartouche history(?: ARG)?`, `, under History`},
	{`cartouche history(?: ARG)?`, `see the runs, under History`},
	{`; once more: cartouche evidence ARG`, `; once more on the run’s page under History, “What changed”`},
	{`cartouche evidence verify$`, `have it checked on a command line: cartouche evidence verify`},
	{`^cartouche evidence ARG$`, `make it on the run’s page under History, “What changed”`},
	{`: --allowed-signers FILE`, ``},
	{`^--at(?: ARG)? is no day`, `that is no day`},
	{`^--at ARG`, `choose a day`},

	// Signing in.
	{`sign in again: cartouche login \(or az login\)`, `sign in again`},
	{`has expired: cartouche login \(or az login\)`, `has expired: sign in again`},
	{`cartouche logout, then cartouche login`, `sign out, then sign in`},
	{`or for good: cartouche login --tenant ARG`, ``},
	{`this sign-in ends with the command; cartouche login keeps one`, `this sign-in ends with the program`},
	{`cartouche login(?: --cloud ARG)?(?: --tenant ARG)?`, `sign in`},
	{`add --sign-in device-code to this command, or use Azure CLI's sign-in \(--sign-in azure-cli\)`, `sign in with a code, or use Azure CLI's sign-in`},
	{`or add --sign-in device-code to this command`, `or sign in with a code`},
	{`another way: --sign-in azure-cli`, `another way: the Azure CLI’s sign-in`},
	{`or take --sign-in azure-cli`, `or take the Azure CLI’s sign-in`},
	{`^--sign-in ARG(?:, ARG)*$`, `choose one of the ways that are offered`},
	{`^--([a-z-]+) is for --sign-in (ARG) only`, `$1 is for the sign-in $2 only`},
	{`^--sign-in ARG, or leave --[a-z-]+ out`, `choose another way to sign in`},
	{` \(or --tenant\)`, ``},
	{`--cloud public, --cloud usgov or --cloud china`, `choose one of the clouds that are offered`},

	// Tenants and subscriptions.
	{`where this sign-in may look: cartouche account subscriptions; in another tenant: --tenant TENANT \(cartouche account tenants\)`,
		`where this sign-in may look, under its name at the top; another tenant is chosen there, too`},
	{`cartouche account subscriptions lists them; one of another tenant needs --tenant TENANT \(cartouche account tenants\)`,
		`choose among those under your name at the top; another tenant is chosen there, too`},
	{`: cartouche account subscriptions lists those that it may; another tenant's need --tenant TENANT`,
		`; those that it may stand under your name at the top, where another tenant is chosen, too`},
	{`give its id: cartouche account subscriptions`, `choose it under your name at the top`},
	{`name that one: --tenant TENANT \(cartouche account tenants lists them\)`, `choose that one under your name at the top`},
	{`name the subscription's tenant with --tenant; cartouche account tenants lists them`, `choose the subscription’s tenant under your name at the top`},
	{`name the tenant: --tenant (ARG)(?:, )?`, `choose the tenant $1 under your name at the top`},
	{`sign in to that one with --tenant ARG`, `choose that one under your name at the top`},
	{`cartouche account tenants lists them`, `choose among those under your name at the top`},
	{`cartouche account tenants lists those that know the account`, `those that know the account stand under your name at the top`},
	{`^cartouche account$`, `see who is signed in, at the top`},
}

var inPages = sync.OnceValue(func() []inPagesRow {
	rows := make([]inPagesRow, len(inPagesTexts))
	for i, texts := range inPagesTexts {
		rows[i] = inPagesRow{compiled(texts[0]), texts[1]}
	}
	return rows
})
