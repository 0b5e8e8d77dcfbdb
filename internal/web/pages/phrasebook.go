package pages

// moreChoices is where a renewal has what hardly anybody needs.
const moreChoices = "under “More choices”"

// phraseBook has what is typed at the command line on the left, word for word as the
// application says it, and on the right what pages say for it. <vault> is a blank
// for one word, whatever its name, and is filled on the right as it was on the left;
// <deployment> is for how a deployment is named, <flags> for any flags or none, and
// <list> for several words with commas between them. [What] may be left out; ^ is the
// beginning of a text and $ its end. By subject; what is more particular stands first.
var phraseBook = [][2]string{
	// Taking back, and cleaning up.
	{`cartouche undo puts`, `taking the run back puts`},
	{`: cartouche undo; else`, `: take it back, on its page under History; else`},
	{`take the later run back first: cartouche undo <run>`, `take the later run <run> back first`},
	{`cartouche undo <run>`, `take run <run> back, on its page under History`},
	{`cartouche clean[ <deployment>][ --internal] removes`, `cleaning up removes`},
	{`cartouche clean <deployment>[ --internal]`, `clean up, on the deployment’s page`},

	// Certificates, and where they come from.
	{`roll the old .pfx out with cartouche apply`, `renew with the old .pfx`},
	{`roll the old .pfx out, if there is one: --internal pfx`, `replace the certificates of the machines by the old .pfx, if there is one`},
	{`or issue a fresh one: --internal issue`, `or choose “Made here”`},
	{`issue everything anew: --anew`, `issue everything anew, which is a choice where the certificates come from`},
	{`Roll out a certificate with its full chain: cartouche apply <deployment><flags>`, `Renew with a certificate that has its full chain`},
	{`with a plan of its own: cartouche plan <deployment> --internal issue`, `with a plan of its own: “Replace their certificates”, on the deployment’s page`},
	{`make the right one the newest: cartouche apply <deployment> --pfx FILE`, `make the right one the newest: renew with its file`},
	{`hold what is served now: cartouche apply <deployment> --vault <vault> --certificate <name> --version <version>`, `hold what is served now: renew from Key Vault, with version <version> of <name> in <vault>`},
	{`name a version: cartouche apply <deployment> --vault VAULT --certificate NAME --version VERSION`, `renew with one version: from Key Vault, “Choose one of its versions”`},
	{`cartouche apply <deployment> --reference`, `renew, and choose ` + moreChoices + ` that the gateway refers to Key Vault`},
	{`give the same flags as for the plan: --internal <source>`, `choose that the certificates come from where the plan has them from`},
	{`make the plan again: cartouche plan <deployment><flags>`, `make the plan again`},
	{`cartouche plan <deployment> --pfx FILE --save PLAN`, `make the plan again`},
	{`say which certificate: --pfx FILE, or --vault VAULT --certificate NAME`, `say which certificate: a file, or one in Key Vault`},
	{`cartouche apply <deployment><flags>`, `renew the deployment`},
	{`cartouche plan <deployment><flags>`, `renew the deployment`},
	{`could not open the .pfx with its password: cartouche check <file>`, `could not open the .pfx with its password: try both with “Check”`},
	{`: cartouche check <file>`, `, with “Check”`},

	// Key Vault.
	{`^--vault: `, ``},
	{`: cartouche upload --vault <vault> --certificate <name> --pfx <file>`, `, with “Put a file into a Key Vault” (a link under “Check”)`},
	{`cartouche upload --vault <vault> --certificate <name> --pfx <file>`, `put a file into a Key Vault (a link under “Check”)`},
	{`follows it gets it: cartouche certificates --vault <vault>[ <name>]`, `follows it gets it`},
	{`: cartouche certificates --vault <vault>[ <name>]`, `, in the vault <vault>`},
	{`cartouche certificates --vault <vault>[ <name>]`, `look into the vault <vault>`},
	{`cartouche vaults[ --verbose]`, `see which Key Vaults there are, where the certificate is chosen`},
	{`--vault VAULT --certificate NAME says which; with --pfx the file is imported there`, `“From Key Vault” says which; “Create in Key Vault” imports the file there`},
	{`--inline copies the certificate to the gateway`, moreChoices + ` the gateway can hold the certificate itself`},
	{`leave --inline out: the`, `choose “As it fits” ` + moreChoices + `: the`},
	{`--reference imports the file there and makes the listener follow the newest version; --inline cuts the link`,
		`choose ` + moreChoices + ` that the gateway refers to Key Vault: the file is imported there, and the listener follows the newest version; “It holds the certificate itself” cuts the link`},
	{`and leave --identity out: `, `and name no identity ` + moreChoices + `: `},
	{`with --identity ID`, moreChoices},
	{`--identity <id> is not`, `<id> is not`},
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
	{`--certificate <name>: a name`, `<name>: a name`},
	{`name the right file with --pfx`, `choose the right file`},

	// What is accepted, and whose authority.
	{`say --allow-older`, `accept ` + moreChoices + ` a certificate that ends earlier`},
	{`say --allow-weaker`, `accept a shorter key ` + moreChoices},
	{`name the root with --roots FILE, or say --assume-trusted if that is done`, `name the root ` + moreChoices + `, or say there that all machines know it`},
	{`name it with --roots FILE`, `name it ` + moreChoices},
	{` (SSL_CERT_FILE, --roots)`, ` (by SSL_CERT_FILE or ` + moreChoices + `)`},
	{`say so with --assume-trusted`, `say so ` + moreChoices},
	{` (--assume-trusted)`, ``},
	{`name the authority that issued it: --machine-ca FILE`, `name the authority that issued it, beside the logins`},

	// Logins.
	{`give --site-admin[ NAME] and its password[ (CARTOUCHE_SITE_ADMIN, CARTOUCHE_SITE_ADMIN_PASSWORD)]`, `give the site administrator’s login`},
	{`give --service-account[ NAME] and its password[ (CARTOUCHE_SERVICE_ACCOUNT, CARTOUCHE_SERVICE_ACCOUNT_PASSWORD)]`, `give the service account’s login`},
	{`without it: --without-portal`, `without Portal`},
	{`with --service-account`, `with the logins`},
	{`Give it: --server-pfx-password-file FILE (of Portal: --portal-pfx-password-file FILE), with the password`, `Give it with the logins: the password`},

	// The way to the machines.
	{`Take another way: --reach agent, or --reach direct from`, `Take another way: Azure’s Run Command, or directly from`},
	{`use the way agent, which runs a program there: --reach agent`, `take Azure’s Run Command as the way, which runs a program there`},
	{`choose another way: --reach direct or --reach agent`, `choose another way: directly, or Azure’s Run Command`},
	{`by another way (--reach agent)`, `by another way (Azure’s Run Command)`},
	{` (--reach direct)`, ``},
	{`use --reach direct from`, `reach it directly from`},
	{`agent, as was asked for (--reach)`, `by Azure’s Run Command, as was chosen`},
	{`, as was asked for (--reach)`, `, as was chosen`},
	{`^--reach none$`, `as was chosen`},
	{`leave --reach none out`, `choose another way to the machines`},
	{`--reach dsc`, `the machines’ own DSC`},
	{`--reach <list>`, `choose one that is offered`},
	{`--reach agent`, `choose Azure’s Run Command`},
	{`--reach <way> is no way`, `<way> is no way`},

	// Who works on it.
	{`(--no-lease goes on without)`, `(` + moreChoices + ` one can go on without)`},
	{`none: --no-lease`, `none, as was chosen`},
	{` (--no-lease)`, ``},
	{`look again who works on it: cartouche unlock <deployment>`, `look again who works on it, on the deployment’s page`},
	{`: cartouche unlock <deployment>`, `, its claim can be broken: on the deployment’s page`},
	{`cartouche unlock <deployment>`, `break the claim, on the deployment’s page`},

	// Which deployment, and its names.
	{`cartouche deployments lists them`, `the list of deployments shows them`},
	{`cartouche deployments[ --verbose]`, `see the list of deployments`},
	{`: --name NAME, as often as needed`, `, with the deployment`},
	{`: --name NAME`, `, with the deployment`},
	{`with --name`, `with the deployment`},
	{`give --name as users type it`, `give the name as users type it`},
	{`^--name: `, ``},

	// Looking, and what was done.
	{`cartouche verify <deployment>, then the same command again`, `look at the deployment, then do the same again`},
	{`cartouche verify <deployment>`, `look at the deployment`},
	{`cartouche show <deployment>[ --reach <way>]`, `look at the deployment`},
	{`: cartouche history[ <run>]`, `, under History`},
	{`cartouche history[ <run>]`, `see the runs, under History`},
	{`; once more: cartouche evidence <run>`, `; once more on the run’s page under History, “What changed”`},
	{`read: cartouche evidence verify`, `read; on a command line it is checked by: cartouche evidence verify`},
	{`^cartouche evidence <run>$`, `make it on the run’s page under History, “What changed”`},
	{`: --allowed-signers FILE`, ``},
	{`^--at[ <day>] is no day`, `that is no day`},
	{`^--at <day>`, `choose a day`},

	// Signing in.
	{`sign in again: cartouche login (or az login)`, `sign in again`},
	{`has expired: cartouche login (or az login)`, `has expired: sign in again`},
	{`cartouche logout, then cartouche login`, `sign out, then sign in`},
	{`name the tenant: --tenant <tenant>, or for good: cartouche login --tenant <tenant>`, `choose the tenant <tenant> under your name at the top`},
	{`this sign-in ends with the command; cartouche login keeps one`, `this sign-in ends with the program`},
	{`cartouche login[ --cloud <cloud>]`, `sign in`},
	{`add --sign-in device-code to this command, or use Azure CLI's sign-in (--sign-in azure-cli)`, `sign in with a code, or use Azure CLI's sign-in`},
	{`or add --sign-in device-code to this command`, `or sign in with a code`},
	{`another way: --sign-in azure-cli`, `another way: the Azure CLI’s sign-in`},
	{`or take --sign-in azure-cli`, `or take the Azure CLI’s sign-in`},
	{`name one with --managed-identity-client-id`, `type the client id of one`},
	{`^--sign-in <list>$`, `choose one of the ways that are offered`},
	{`^--<proof> is for --sign-in <way> only`, `<proof> is for the sign-in <way> only`},
	{`^--sign-in <way>, or leave --<proof> out`, `choose another way to sign in`},
	{` (or --tenant)`, ``},
	{`--cloud public, --cloud usgov or --cloud china`, `choose one of the clouds that are offered`},

	// Tenants and subscriptions.
	{`where this sign-in may look: cartouche account subscriptions; in another tenant: --tenant TENANT (cartouche account tenants)`,
		`where this sign-in may look, under its name at the top; another tenant is chosen there, too`},
	{`cartouche account subscriptions lists them; one of another tenant needs --tenant TENANT (cartouche account tenants)`,
		`choose among those under your name at the top; another tenant is chosen there, too`},
	{`: cartouche account subscriptions lists those that it may; another tenant's need --tenant TENANT`,
		`; those that it may stand under your name at the top, where another tenant is chosen, too`},
	{`give its id: cartouche account subscriptions`, `choose it under your name at the top`},
	{`name that one: --tenant TENANT (cartouche account tenants lists them)`, `choose that one under your name at the top`},
	{`name the subscription's tenant with --tenant; cartouche account tenants lists them`, `choose the subscription’s tenant under your name at the top`},
	{`sign in to that one with --tenant <tenant>`, `choose that one under your name at the top`},
	{`cartouche account tenants lists them`, `choose among those under your name at the top`},
	{`cartouche account tenants lists those that know the account`, `those that know the account stand under your name at the top`},
	{`^cartouche account$`, `see who is signed in, at the top`},
}
