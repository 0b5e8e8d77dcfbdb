package cloud

import (
	"errors"
	"net/http"
	"regexp"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// aadsts finds Entra ID's code in a text: "AADSTS7000215: Invalid client secret …".
var aadsts = regexp.MustCompile(`AADSTS\d{3,9}`)

// speaker is how azidentity begins its texts: "ClientSecretCredential: ".
var speaker = regexp.MustCompile(`^\s*\w+Credential(\.GetToken\(\))?( authentication failed\.)?:?\s*`)

// trailer is what Entra ID appends to each sentence for its support.
var trailer = regexp.MustCompile(`(?i)\s*(Trace ID|Correlation ID|Timestamp):.*$`)

// signInError makes one sentence of what azidentity and MSAL report, which is
// a page with a request, a ruler, the answer as JSON and a link.
func signInError(options SignInOptions, err error) *Error {
	a := attempt{operation: signInOperation, object: subject(options), secrets: []secret.Secret{options.ClientSecret}}
	e := a.newError()
	e.err = cause(err)
	text := a.conceal(err.Error())
	var failed *azidentity.AuthenticationFailedError
	if errors.As(err, &failed) && failed.RawResponse != nil {
		text = a.readAnswer(e, failed.RawResponse, text)
	}
	if code := aadsts.FindString(text); code != "" {
		e.Code = code
	}
	e.Message = sentence(text)
	e.Hint = hintFor(e.Code, nil)
	if e.Hint == "" {
		e.Hint = signInHint(options.Kind, text)
	}
	// azidentity's errors hold the answer with the request that led to it, so
	// only a cause that is none of theirs is kept to be unwrapped.
	if failed != nil {
		e.err = nil
	}
	a.scrub(e)
	return e
}

func subject(options SignInOptions) string {
	switch {
	case options.Kind == ServicePrincipal:
		return "as service principal " + clean(options.ClientID, 100)
	case options.Kind == AzureCLI:
		return "with Azure CLI"
	}
	return "with what this computer offers"
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
		text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
		text, _, _ = strings.Cut(text, "To troubleshoot, visit")
		text = strings.TrimPrefix(text, "ERROR: ") // of az
	}
	return clean(trailer.ReplaceAllString(clean(text, maximumText), ""), maximumText)
}

func signInHint(kind SignInKind, text string) string {
	lower := strings.ToLower(text)
	switch {
	case strings.Contains(lower, "attempted credentials"):
		return "sign in with: az login, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET"
	case strings.Contains(lower, "not found on path"):
		return "install Azure CLI, or sign in as a service principal"
	case strings.Contains(lower, "az login"), kind == AzureCLI:
		return "sign in first: az login"
	}
	return connectionHint(errors.New(text))
}
