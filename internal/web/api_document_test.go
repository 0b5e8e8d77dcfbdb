package web

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/evidence"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/rehearse"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

var update = flag.Bool("update", false, "write openapi.json anew")

// resultOf is the type of the first result of a function: some values of the
// application have types that only it can name.
func resultOf(function any) reflect.Type { return reflect.TypeOf(function).Out(0) }

// document is the OpenAPI document of the routes.
func document(t *testing.T) []byte {
	t.Helper()
	s := newSchemas(t)
	paths := map[string]map[string]any{}
	for _, route := range apiTable {
		about, known := said[route.method+" "+route.path]
		if !known {
			t.Errorf("nothing is said of %s", route.pattern())
			continue
		}
		if paths[route.path] == nil {
			paths[route.path] = map[string]any{}
		}
		paths[route.path][strings.ToLower(route.method)] = operation(t, s, route, about)
	}
	if len(said) != len(apiTable) {
		t.Errorf("%d routes are described, %d are there", len(said), len(apiTable))
	}
	var exits []any
	for _, status := range app.Statuses() {
		exits = append(exits, status.Code)
	}
	s.components["Failed"].(map[string]any)["properties"].(map[string]any)["exit"] = map[string]any{
		"type": "integer", "enum": exits, "description": "The exit status with which the command would end.",
	}
	text, err := json.MarshalIndent(struct {
		OpenAPI    string         `json:"openapi"`
		Info       any            `json:"info"`
		Servers    any            `json:"servers"`
		Security   any            `json:"security"`
		Tags       any            `json:"tags"`
		Paths      any            `json:"paths"`
		Components map[string]any `json:"components"`
	}{
		"3.1.0",
		map[string]any{
			"title": "Cartouche", "version": "1",
			"summary":     "The JSON of each command, for programs of the person who runs `cartouche serve`.",
			"description": "Values and failures are those of `--json`. New fields may be added; those that are here keep their meaning. The server listens on this computer only, and answers who has its cookie.",
			"license":     map[string]any{"name": "Apache-2.0", "identifier": "Apache-2.0"},
		},
		[]any{map[string]any{"url": apiPath}},
		[]any{map[string]any{"cookie": []any{}}},
		tags(),
		paths,
		map[string]any{
			"schemas": s.components,
			"securitySchemes": map[string]any{"cookie": map[string]any{
				"type": "apiKey", "in": "cookie", "name": "cartouche-PORT",
				"description": "Its name ends with the port. Who opens the address that `cartouche serve` shows gets it, once.",
			}},
		},
	}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

var inPath = regexp.MustCompile(`\{(\w+)\}`)

// operation is one route in the document.
func operation(t *testing.T, s *schemas, route apiRoute, about saying) map[string]any {
	t.Helper()
	id := strings.ToLower(route.method) + regexp.MustCompile(`[^a-zA-Z]+`).ReplaceAllString(route.path, "-")
	o := map[string]any{"operationId": strings.Trim(id, "-"), "summary": about.summary, "tags": []any{tagOf(route.path)}}
	if about.more != "" {
		o["description"] = about.more
	}
	var parameters []any
	parameter := func(name, in string) {
		description := parameterWords[name]
		if description == "" {
			t.Errorf("nothing is said of the parameter %s", name)
		}
		parameters = append(parameters, map[string]any{
			"name": name, "in": in, "required": in == "path", "description": description, "schema": map[string]any{"type": "string"},
		})
	}
	for _, name := range inPath.FindAllStringSubmatch(route.path, -1) {
		parameter(name[1], "path")
	}
	for _, name := range route.query {
		parameter(name, "query")
	}
	if about.waits {
		parameters = append(parameters, map[string]any{
			"name": "Prefer", "in": "header", "required": false, "schema": map[string]any{"type": "string"},
			"description": "`wait` answers at the end of the sign-in, `wait=SECONDS` then or after so long (RFC 7240).",
		})
	}
	if about.runs {
		parameters = append(parameters, map[string]any{
			"name": "Prefer", "in": "header", "required": false, "schema": map[string]any{"type": "string"},
			"description": "`wait` answers at the end of the run, `wait=SECONDS` then or after so long (RFC 7240). Otherwise it is answered as soon as the run has begun.",
		})
	}
	if parameters != nil {
		o["parameters"] = parameters
	}
	if len(route.form) > 0 {
		properties := map[string]any{}
		for _, name := range route.form {
			field, known := about.fields[name]
			if !known {
				field, known = fieldWords[name]
			}
			if !known {
				t.Errorf("nothing is said of the field %s", name)
			}
			if slices.Contains(secretFields, name) {
				field.schema = map[string]any{"type": "string", "format": "password", "writeOnly": true}
			}
			schema := maps.Clone(field.schema)
			schema["description"] = field.words
			properties[name] = schema
		}
		fields := map[string]any{"type": "object", "properties": properties}
		if slices.Contains(route.form, "internal-pfx") {
			fields["patternProperties"] = map[string]any{"^" + internalPFXFor: described(fieldWords["internal-pfx"].schema, "The file for a product, a site or a machine: internal-pfx:portal.")}
		}
		o["requestBody"] = map[string]any{
			"description": "Without a file it may be application/x-www-form-urlencoded as well. A field that is not known is refused.",
			"content":     map[string]any{"multipart/form-data": map[string]any{"schema": fields}},
		}
	}
	responses := map[string]any{"default": answered("It failed; the status goes by `error.code` and `exit`.", "application/json", s.failureOf(about))}
	responses["200"] = answered(about.gives, about.media(), s.answerOf(about))
	if about.asks {
		responses["202"] = begun("A person has to sign in at `address`. `Location` is where to ask what came of it.", "application/json", s.of(reflect.TypeFor[signInAsked]()))
	}
	if about.runs {
		responses["202"] = begun("The run has begun, and goes on. `Location` is where it is to be read.", "application/json", s.of(reflect.TypeFor[underway]()))
	}
	if route.path == "/runs/{run}/stop" {
		responses["202"] = begun(about.gives, about.media(), s.answerOf(about))
		delete(responses, "200")
	}
	o["responses"] = responses
	return o
}

// groups are the parts of the document, by how paths in them begin.
var groups = []struct{ name, begin string }{
	{"Deployments", "/deployments"}, {"Certificates", "/check"}, {"Certificates", "/vaults"}, {"Runs", "/runs"},
	{"Runs", "/history"}, {"Runs", "/evidence"}, {"Sign-in", "/account"}, {"About", ""},
}

func tagOf(path string) string {
	for _, group := range groups {
		if strings.HasPrefix(path, group.begin) {
			return group.name
		}
	}
	return ""
}

func tags() []any {
	var list []any
	last := ""
	for _, group := range groups {
		if group.name != last {
			list = append(list, map[string]any{"name": group.name})
		}
		last = group.name
	}
	return list
}

func answered(words, media string, schema any) map[string]any {
	return map[string]any{
		"description": words, "content": map[string]any{media: map[string]any{"schema": schema}},
		"headers": map[string]any{warningHeader: header("What a command writes to standard error as a warning, one header each, as a JSON string.")},
	}
}

// begun is an answer while a run goes on.
func begun(words, media string, schema any) map[string]any {
	with := answered(words, media, schema)
	with["headers"].(map[string]any)["Location"] = header("Where the run is to be read.")
	return with
}

func header(words string) map[string]any {
	return map[string]any{"description": words, "schema": map[string]any{"type": "string"}}
}

// TestTheDocumentIsFresh compares openapi.json with routes and Go values: with the
// names of their fields, with their types, and with what is said of them.
func TestTheDocumentIsFresh(t *testing.T) {
	t.Parallel()
	want := document(t)
	if *update {
		if err := os.WriteFile("openapi.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(openAPI, want) {
		t.Error("openapi.json is not what the code is: go test ./internal/web -run TestTheDocumentIsFresh -update")
	}
}

// TestEveryRouteIsInTheDocument compares what the server answers with the document,
// both ways.
func TestEveryRouteIsInTheDocument(t *testing.T) {
	t.Parallel()
	list, err := listOf(openAPI)
	if err != nil {
		t.Fatal(err)
	}
	var documented, served []string
	for _, group := range list.Groups {
		for _, o := range group.Operations {
			documented = append(documented, o.Method+" "+o.Path)
		}
	}
	for _, pattern := range New(t.Context(), Options{}).patterns {
		if strings.Contains(pattern, " "+apiPath+"/") {
			served = append(served, pattern)
		}
	}
	slices.Sort(documented)
	slices.Sort(served)
	if !slices.Equal(documented, served) || len(served) < 20 {
		t.Errorf("documented are\n%s\nserved are\n%s", strings.Join(documented, "\n"), strings.Join(served, "\n"))
	}
}

// saying is what the document says of a route, and what its answer is.
type saying struct {
	summary, more string
	// gives says what the answer is, value is its type; event and file are answers
	// of another kind.
	gives string
	value reflect.Type
	// findings tells that a failure comes with the value and is an answer as well;
	// failed is the type of the value that a failure has with it.
	findings bool
	failed   reflect.Type
	runs     bool // see Prefer
	// machines is the value when it is about the certificates of machines, if it may be.
	machines reflect.Type
	events   bool
	// asks tells that a person may have to sign in, waits that Prefer: wait is known.
	asks, waits bool
	// fields are said otherwise here than elsewhere.
	fields map[string]fieldSaid
}

func (s saying) media() string {
	if s.events {
		return "text/event-stream"
	}
	return "application/json"
}

var (
	plan           = reflect.TypeFor[rotation.Plan]()
	result         = reflect.TypeFor[rotation.Result]()
	rehearsal      = reflect.TypeFor[rehearse.Rehearsal]()
	atMachines     = reflect.TypeFor[rollout.Plan]()
	machinesResult = reflect.TypeFor[rollout.Result]()
)

// said is all that is said of the routes.
var said = map[string]saying{
	"GET /version":               {summary: "Which version this is", gives: "The version.", value: reflect.TypeFor[app.VersionValue]()},
	"GET /account":               {summary: "Who is signed in, how and where", more: "It really asks for a token, so that it fails when the others would.", gives: "The sign-in.", value: reflect.TypeFor[app.AccountValue]()},
	"GET /account/tenants":       {summary: "The tenants that know the account", gives: "All of them.", value: resultOf((*app.Session).TenantValues)},
	"GET /account/subscriptions": {summary: "The subscriptions of the tenant", gives: "All of them.", value: resultOf((*app.Session).SubscriptionValues)},
	"POST /account": {
		summary: "Go to another tenant or other subscriptions", more: "With the same sign-in, for the pages, too, and for later commands. Without a tenant it is the one that is used, and with a tenant alone all of its subscriptions. Where a tenant demands a sign-in of its own the answer is 202, as when signing in. Not while a run goes on.",
		gives: "The sign-in.", value: reflect.TypeFor[app.AccountValue](), asks: true,
	},
	"POST /account/sign-in": {
		summary: "Sign in to Azure", more: "For the pages, too, and for later commands, as `cartouche login`. A person does the rest at an address, with a code or in the browser of this computer: then the answer is 202, and says where. Nothing of a secret is kept but in memory.",
		gives: "The sign-in.", value: reflect.TypeFor[app.AccountValue](), asks: true,
	},
	"GET /account/sign-in/{signin}":       {summary: "What came of a sign-in", more: "202 as long as the person has not signed in.", gives: "The sign-in.", value: reflect.TypeFor[app.AccountValue](), asks: true, waits: true},
	"POST /account/sign-in/{signin}/stop": {summary: "Give a sign-in up", more: "It is answered as the failure of that sign-in, unless that has ended well.", gives: "The sign-in.", value: reflect.TypeFor[app.AccountValue]()},
	"POST /account/sign-out":              {summary: "Sign out", more: "Tokens go from the keychain, as with `cartouche logout`. Not while a run goes on.", gives: "Who was signed in.", value: reflect.TypeFor[app.LogoutValue]()},
	"GET /deployments/{deployment}/claim": {summary: "Which run works on a deployment, wherever it is made", gives: "The claims, of whom and since when.", value: reflect.TypeFor[app.UnlockValue]()},
	"POST /deployments/{deployment}/unlock": {
		summary: "Break the claim of a run", more: "If that run is still at work it changes nothing more, and what it has changed stays. A claim of another run is not broken.",
		gives: "The claim that was broken.", value: reflect.TypeFor[app.UnlockValue](),
	},
	"POST /vaults/{vault}/certificates/{certificate}": {
		summary: "Put a .pfx file into a Key Vault", more: "A new certificate, or the newest version of one that is there; policy and tags stay. A file that is the newest version already is not put there twice.",
		gives: "What came of it.", value: reflect.TypeFor[app.UploadValue](),
	},
	"GET /deployments": {summary: "All deployments that the sign-in may see", gives: "All of them, the one whose certificate ends first on top.", value: reflect.TypeFor[[]app.DeploymentValue]()},
	"GET /deployments/{deployment}": {
		summary: "Everything observed of a deployment", more: "As `cartouche show`: nothing is changed. Of a deployment without a gateway the failure `cannot-update` comes with what could be seen.",
		gives: "What was seen.", value: reflect.TypeFor[app.ShowValue](), failed: reflect.TypeFor[rotation.State](),
	},
	"GET /deployments/{deployment}/verify": {
		summary: "Wire against configuration", more: "Findings are an answer, and no failure of HTTP: `ok` is false, and `error` and `exit` are there, as of the command.",
		gives: "What was found.", value: reflect.TypeFor[app.VerifyValue](), findings: true,
	},
	"GET /deployments/{deployment}/shape": {
		summary: "What a deployment looks like, without secrets", more: "As `cartouche rehearse --save`: to look at, to keep, to share, and to rehearse with. Names stay unless `mask` is true.",
		gives: "The shape, as docs/rehearse.md describes it.", value: reflect.TypeFor[map[string]any](),
	},
	"POST /deployments/{deployment}/rehearse": {
		summary: "Rehearse what plan plans, in a simulated copy of the deployment", more: "Nothing of the deployment is changed: it is only read. It is answered at the end of the rehearsal, and who goes away ends it. The failure is the one that apply would have.",
		gives: "What came of it.", value: rehearsal, failed: rehearsal,
	},
	"POST /deployments/{deployment}/plan": {
		summary: "Make the plan of a renewal", more: "Nothing is changed. With `internal` it is about the certificates of the machines. A plan that may be applied waits 15 minutes for its hash to be sent to apply.",
		gives: "The plan.", value: plan, failed: plan, machines: atMachines,
	},
	"POST /deployments/{deployment}/apply": {
		summary: "Carry a renewal out", more: "With `plan`, the plan of that hash; otherwise the one that is made of the other fields, without another question.",
		gives: "What came of the run; it has ended already, or it was preferred to wait.", value: result, failed: result, runs: true, machines: machinesResult,
	},
	"POST /deployments/{deployment}/clean": {
		summary: "Remove what runs have left on the gateway, or at the machines", gives: "What came of the run, or that there is nothing to do.", value: result, failed: result, runs: true, machines: machinesResult,
		fields: map[string]fieldSaid{"internal": {map[string]any{"type": "boolean", "default": false}, "What replacing the machines' certificates has left, instead of the gateway's entries."}},
	},
	"GET /vaults":                                    {summary: "The Key Vaults that the sign-in may see", gives: "All of them.", value: reflect.TypeFor[[]app.VaultValue]()},
	"GET /vaults/{vault}/certificates":               {summary: "What is in a Key Vault", gives: "The newest version of each certificate.", value: reflect.TypeFor[app.VaultCertificatesValue]()},
	"GET /vaults/{vault}/certificates/{certificate}": {summary: "All versions of a certificate in a Key Vault", gives: "Its versions, newest first.", value: reflect.TypeFor[app.VaultCertificatesValue]()},
	"POST /check": {
		summary: "Judge a .pfx file, or what a host serves", more: "Nothing is signed in to. Findings are an answer, see verify. `kind` tells the two kinds of answers apart.",
		gives: "The judgement.", value: reflect.TypeFor[checkAnswer](), findings: true,
	},
	"GET /history":        {summary: "The runs of this computer", gives: "All of them, newest first, without plans, steps and evidence.", value: reflect.TypeFor[[]journal.Run]()},
	"GET /history/{run}":  {summary: "One run", gives: "All that was written down of it. `outcome` is `in doubt` as long as it goes on.", value: reflect.TypeFor[journal.Run]()},
	"GET /evidence":       {summary: "The runs with the files that prove them", gives: "All of them, newest first.", value: resultOf((*app.App).EvidenceRows)},
	"GET /evidence/{run}": {summary: "The file that proves a run", more: "Byte by byte as it was written, so that it can be verified elsewhere.", gives: "The file.", value: reflect.TypeFor[evidenceAnswer]()},
	"GET /runs/{run}/events": {
		summary: "How a run goes on", more: "Server-sent events, for runs that began at pages or here: each `data` is one line of progress, with its number as `id`; an event `done` is the last one. With `Last-Event-ID` they go on where somebody was. To be asked for with `Accept: text/event-stream`.",
		gives: "The events.", value: reflect.TypeFor[work.Event](), events: true,
	},
	"POST /runs/{run}/stop": {summary: "Ask a run to stop", more: "What it has changed goes back, and that is proved, as after Ctrl-C.", gives: "It was asked; it goes on until it is back.", value: reflect.TypeFor[underway]()},
	"POST /runs/{run}/undo": {summary: "Take a run back", more: "A run that replaced the certificates of machines is taken back there, with the site administrator's login.", machines: machinesResult, gives: "What came of the run that took it back.", value: result, failed: result, runs: true},
	"GET /openapi.json":     {summary: "This document", gives: "It.", value: reflect.TypeFor[map[string]any]()},
}

// checkAnswer stands for the two kinds of answers of check.
type checkAnswer struct{}

// evidenceAnswer is the file of package evidence, whose envelope it keeps to itself.
type evidenceAnswer struct {
	Evidence  evidence.Document `json:"evidence"`
	SHA256    string            `json:"sha256"`
	Signature *string           `json:"signature"`
}

var parameterWords = map[string]string{
	"deployment":  "What commands call it: its name, its id, one of its DNS names, or the name or the resource id of its gateway (with %2F). The id of its page does, too.",
	"signin":      "The id of a sign-in that was begun here.",
	"run":         "The id of a run, or a beginning of it that fits one run only.",
	"vault":       "Name, address or resource id of a Key Vault.",
	"certificate": "Name of a certificate, or of a secret with a .pfx.",
	"at":          "Judge everything as of this day: 2027-06-30.",
	"for":         "Judge by the names of this deployment.",
	"mask":        "`true` replaces names, addresses and certificates by others.",
}

// fieldSaid is what the document says of a field.
type fieldSaid struct {
	schema map[string]any
	words  string
}

// fieldWords is what is said of the fields of forms.
var fieldWords = func() map[string]fieldSaid {
	text := map[string]any{"type": "string"}
	file := map[string]any{"type": "string", "contentMediaType": "application/octet-stream"}
	yes := map[string]any{"type": "boolean", "default": false}
	var kinds []any
	for _, kind := range cloud.SignInKinds() {
		kinds = append(kinds, string(kind))
	}
	return map[string]fieldSaid{
		"plan":                        {text, "The hash of a plan that waits: then everything else is part of it. Or a plan as a file, as `cartouche plan --save` or plan here gave it: then `pfx` and the logins are sent again, and it is refused when the deployment has changed since. With a plan about machines, `internal` and what it takes are sent again."},
		"pfx":                         {file, "The file with the certificate and its key. It is kept in memory only."},
		"password":                    {text, "The password of the file."},
		"vault":                       {text, "Name, address or resource id of a Key Vault; with `certificate`."},
		"certificate":                 {text, "Name of the certificate in the vault. With `pfx` the file becomes its newest version."},
		"version":                     {text, "One version of it, instead of the newest."},
		"reference":                   {yes, "Listeners refer to the vault, and follow it."},
		"inline":                      {yes, "Listeners get a copy, also where they refer to a vault now."},
		"identity":                    {text, "Resource id of the managed identity with which the gateway reads the vault."},
		"roots":                       {file, "More authorities to know: PEM, DER or PKCS#7."},
		"assume-trusted":              {yes, "Accept a chain to an authority that is not known."},
		"allow-older":                 {yes, "Accept a certificate that ends before the one that is served."},
		"allow-weaker":                {yes, "Accept a shorter key than that of the one that is served."},
		"site-admin":                  {text, "Login of Portal's site administrator. Otherwise the one of the environment is used."},
		"site-admin-password":         {text, "Its password."},
		"without-portal":              {yes, "Go on without it: then nobody validates Portal's federation."},
		"service-account":             {text, "Login under which ArcGIS Server runs on the machines."},
		"service-account-password":    {text, "Its password."},
		"reach":                       {map[string]any{"type": "string", "enum": []any{"auto", "none", "direct", "agent", "dsc"}}, "How the machines are reached."},
		"machine-ca":                  {file, "Authorities that machines may present before a password is sent: PEM, DER or PKCS#7."},
		"server-pfx-password":         {text, "Of reach=dsc: the password of the .pfx with which Cloud Builder set the servers up."},
		"portal-pfx-password":         {text, "Of reach=dsc: the same of Portal's."},
		"no-lease":                    {yes, "Go on without claiming the deployment: runs on other computers are not kept away."},
		"now":                         {yes, "Remove at once what has been replaced lately, too."},
		"internal":                    {map[string]any{"type": "string", "enum": []any{"issue", "ca", "pfx"}}, "Replace the certificates of the machines, by those of: an authority that is made for it and whose key is forgotten, one of yours, or files for each product."},
		"valid-days":                  {map[string]any{"type": "integer", "minimum": 1}, "Of issue and ca: how long the machines' certificates are good."},
		"anew":                        {yes, "Of issue and ca: issue new ones also where a run that was cut off has left usable ones."},
		"keep-old":                    {yes, "Never replace an entry in place, so that the run can be taken back."},
		"undrained":                   {yes, "Leave machines in the gateway's pools while they restart."},
		"ca":                          {file, "Of ca: the authority, as .pfx, or as PEM with `ca-key`."},
		"ca-key":                      {file, "Its private key, when that is not in `ca`."},
		"ca-password":                 {text, "The password of the authority's key."},
		"internal-pfx":                {file, "Of pfx: the file for all machines that have none of their own, see `internal-pfx:portal`."},
		"internal-pfx-password":       {text, "The password of all of these files."},
		"sign-in":                     {map[string]any{"type": "string", "enum": kinds}, "How; without it in the browser, or as at the last login."},
		"cloud":                       {map[string]any{"type": "string", "enum": []any{"public", "usgov", "china"}}, "Which Azure."},
		"tenant":                      {text, "Id or domain of the tenant; without it the person's own, or the one that is used."},
		"subscription":                {text, "Ids or names of subscriptions to look in, with commas between them; without it all that can be read."},
		"client-id":                   {text, "Of service-principal: its id."},
		"client-secret":               {text, "Its secret."},
		"client-certificate":          {file, "Its certificate with the key, .pfx or PEM, instead of a secret."},
		"client-certificate-password": {text, "The password of that file."},
		"managed-identity-client-id":  {text, "Of managed-identity: which one of this machine."},
		"run":                         {text, "The run of the claim, as `claim` tells it."},
		"host":                        {text, "A host, or host:port, instead of a file."},
		"for":                         {text, "Names that the certificate must cover, with commas between them."},
		"fault":                       {text, "Something goes wrong in the copy, as `name@step` or `name@step*times`; several with commas between them. `cartouche sim --help` lists them."},
		"scale":                       {map[string]any{"type": "number", "minimum": 1, "maximum": 1000, "default": 30}, "How many times faster than ours the time of the copy goes."},
	}
}()
