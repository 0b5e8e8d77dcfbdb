package cloud

import "testing"

// MSAL puts what went wrong on the way below a line that ends in a colon.
func TestASignInThatDidNotGetThroughSaysWhere(t *testing.T) {
	const text = "unable to resolve an endpoint: server response error:\n Get \"https://login.microsoftonline.us/\": could not reach it: 502 Bad Gateway\nmore"
	want := `unable to resolve an endpoint: server response error: Get "https://login.microsoftonline.us/": could not reach it: 502 Bad Gateway`
	if got := sentence(text); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
