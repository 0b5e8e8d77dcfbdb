package cloud

import (
	"context"
	"errors"
	"html"
	"net/http"
	"regexp"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	msalerrors "github.com/AzureAD/microsoft-authentication-library-for-go/apps/errors"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// aadsts finds Entra ID's code in a text: "AADSTS7000215: Invalid client secret …".
var aadsts = regexp.MustCompile(`AADSTS\d{3,9}`)

// speaker is how azidentity begins its texts: "ClientSecretCredential: ".
var speaker = regexp.MustCompile(`^\s*\w+Credential(\.GetToken\(\))?( authentication failed\.)?:?\s*`)

// trailer is what Entra ID appends to each sentence for its support.
var trailer = regexp.MustCompile(`(?i)\s*(Trace ID|Correlation ID|Timestamp):.*$`)

// signInErrorWithin is signInError for something that ctx may have ended.
func signInErrorWithin(ctx context.Context, options SignInOptions, err error) *Error {
	e := signInError(options, err)
	switch ctx.Err() {
	case nil:
	case context.Canceled:
		e.err = ctx.Err() // azidentity does not keep it
	default:
		e.Message = "no answer in time"
		if cause := context.Cause(ctx); cause != ctx.Err() {
			e.Message = cause.Error()
		}
	}
	return e
}

// signInError makes one sentence of what azidentity and MSAL report, which is
// a page with a request, a ruler, the answer as JSON and a link.
func signInError(options SignInOptions, err error) *Error {
	a := attempt{operation: signInOperation, object: subject(options), secrets: []secret.Secret{options.ClientSecret}}
	e := a.newError()
	e.err = cause(err)
	text := a.conceal(err.Error())
	if options.Kind == Browser {
		text = html.UnescapeString(text) // MSAL reports what it shows in the browser
	}
	var failed *azidentity.AuthenticationFailedError
	var refused msalerrors.CallErr
	switch {
	case errors.As(err, &failed) && failed.RawResponse != nil:
		text = a.readAnswer(e, failed.RawResponse, text)
	case errors.As(err, &refused) && refused.Resp != nil:
		text = a.readRefusal(e, refused, text)
	}
	if code := aadsts.FindString(text); code != "" {
		e.Code = code
	}
	e.Message = sentence(text)
	e.Hint = forLogin(hintFor(e.Code, nil), options)
	if e.Hint == "" {
		e.Hint = signInHint(options, text)
	}
	// The errors of the libraries hold the answer with the request that led to
	// it, so only a cause that is none of theirs is kept to be unwrapped.
	if failed != nil || refused.Req != nil {
		e.err = nil
	}
	a.scrub(e)
	return e
}

// subject says who was to be signed in.
func subject(options SignInOptions) string {
	switch options.Kind {
	case ServicePrincipal:
		return "as service principal " + clean(options.ClientID, 100)
	case WorkloadIdentity:
		return "as workload " + clean(options.ClientID, 100)
	case ManagedIdentity:
		return strings.TrimSpace("as managed identity " + clean(options.ClientID, 100))
	case AzureCLI:
		return "with Azure CLI"
	case Browser:
		return "in the browser"
	case DeviceCode:
		return "with a device code"
	}
	return "with what this computer offers"
}

// readRefusal takes the description out of what MSAL reports of a refusal. The
// answer's body has been read; it stands below the first line of the text.
func (a attempt) readRefusal(e *Error, refused msalerrors.CallErr, text string) string {
	e.Status = refused.Resp.StatusCode
	e.RequestID = requestID(refused.Resp.Header)
	_, answer, found := strings.Cut(refused.Error(), "\n")
	if !found {
		return text
	}
	body := parseErrorBody([]byte(a.conceal(answer)))
	if body.message == "" {
		return text
	}
	e.Code = body.code
	return body.message
}

// readAnswer takes the description out of Entra ID's answer; a chain's text
// is kept, because the answer of its last link is not all it has to say.
func (a attempt) readAnswer(e *Error, answer *http.Response, text string) string {
	e.Status = answer.StatusCode
	e.RequestID = requestID(answer.Header)
	data, err := runtime.Payload(answer)
	if err != nil {
		return text
	}
	body := parseErrorBody([]byte(a.conceal(string(data))))
	if body.message == "" {
		return text
	}
	e.Code = body.code
	return body.message
}

// sentence takes the first telling line of a text and drops the AADSTS code,
// which is shown before it, and what is for support only.
func sentence(text string) string {
	if at := aadsts.FindStringIndex(text); at != nil {
		text = strings.TrimLeft(text[at[1]:], ": ")
		text, _, _ = strings.Cut(text, "\n")
		text, _, _ = strings.Cut(text, `\r\n`)
	} else if strings.Contains(text, "Attempted credentials:") {
		return "no way to sign in was found"
	} else {
		text = speaker.ReplaceAllString(text, "")
		first, rest, _ := strings.Cut(strings.TrimSpace(text), "\n")
		if strings.HasSuffix(first, ":") { // what it announces stands below
			rest, _, _ = strings.Cut(strings.TrimSpace(rest), "\n")
			first += " " + rest
		}
		text, _, _ = strings.Cut(first, "To troubleshoot, visit")
		text = strings.TrimPrefix(text, "ERROR: ") // of az
	}
	return clean(trailer.ReplaceAllString(clean(text, maximumText), ""), maximumText)
}

// forLogin fills in the command that signs in anew.
func forLogin(hint string, options SignInOptions) string {
	command := "az login"
	if options.Kind.OfPerson() {
		command = loginTo(options.Cloud)
	}
	return strings.ReplaceAll(hint, loginCommand, command)
}

// loginTo is the command that signs a person in to a cloud.
func loginTo(in Cloud) string {
	if in.Name == "" || in.Name == Public().Name {
		return "cartouche login"
	}
	return "cartouche login --cloud " + in.Name
}

func signInHint(options SignInOptions, text string) string {
	kind, login := options.Kind, loginTo(options.Cloud)
	lower := strings.ToLower(text)
	switch {
	case strings.Contains(lower, "attempted credentials"):
		return "sign in with: " + login + " (or az login), or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET"
	case strings.Contains(lower, "not found on path"):
		return "install Azure CLI, or sign in with: " + login
	case kind == AzureCLI, strings.Contains(lower, "az login"):
		return "sign in first: az login"
	}
	if hint := connectionHint(errors.New(text)); hint != "" {
		return hint
	}
	switch {
	case kind.OfPerson():
		return "sign in: " + login
	case kind == ManagedIdentity:
		return "managed identities are there on Azure's own machines only; with several of them, name one with --managed-identity-client-id"
	case kind == WorkloadIdentity:
		return "AZURE_FEDERATED_TOKEN_FILE, AZURE_CLIENT_ID and AZURE_TENANT_ID must be set, and the file must hold a token that has not expired"
	}
	return ""
}
