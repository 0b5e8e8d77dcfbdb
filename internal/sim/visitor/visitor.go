// Package visitor is a person with a browser, for tests and demonstrations: it
// opens an address and fills in whatever forms come (sign-in, consent, device
// code), without JavaScript.
package visitor

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/html"
)

// Browser is the person. The zero value but for User and Password is good.
type Browser struct {
	// Client's Transport leads into the world; loopback addresses, where
	// programs wait for their answer, are reached without it. nil is
	// http.DefaultClient.
	Client         *http.Client
	User, Password string
	// Decline makes the person say no when a program asks for consent.
	Decline bool
}

// A page is at most this large, and a visit leads over at most so many.
const (
	maxPage  = 1 << 20
	maxPages = 12
)

// Open goes to an address and on until there is no form left to fill. A person
// who declines has done so without an error.
func (b Browser) Open(ctx context.Context, address string) error { return b.visit(ctx, address, "") }

// EnterCode goes to the page of the device flow and types the code there.
func (b Browser) EnterCode(ctx context.Context, verificationURI, code string) error {
	return b.visit(ctx, verificationURI, code)
}

func (b Browser) visit(ctx context.Context, address, code string) error {
	client, err := b.client()
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	for range maxPages {
		if err != nil {
			return fmt.Errorf("visit %s: %w", address, err)
		}
		page, at, err2 := fetch(client, request)
		if err2 != nil {
			return fmt.Errorf("visit %s: %w", address, err2)
		}
		if page.form == nil {
			return nil
		}
		request, err = b.submit(ctx, page, at, code)
	}
	return fmt.Errorf("visit %s: still a form after %d pages", address, maxPages)
}

// client keeps cookies for one visit.
func (b Browser) client() (*http.Client, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Jar: jar, Timeout: 30 * time.Second, Transport: direct{http.DefaultTransport}}
	if b.Client != nil && b.Client.Transport != nil {
		client.Transport = direct{b.Client.Transport}
	}
	return client, nil
}

// direct reaches loopback addresses without the proxy of the world.
type direct struct{ world http.RoundTripper }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	switch r.URL.Hostname() {
	case "localhost", "127.0.0.1", "::1":
		transport := &http.Transport{DisableKeepAlives: true}
		return transport.RoundTrip(r)
	}
	return d.world.RoundTrip(r)
}

// fetch gets a page and reads its form. A page with an alert (a wrong password,
// an unknown code) is an error with the text of the page.
func fetch(client *http.Client, request *http.Request) (page, *url.URL, error) {
	response, err := client.Do(request)
	if err != nil {
		return page{}, nil, err
	}
	defer response.Body.Close()
	tree, err := html.Parse(io.LimitReader(response.Body, maxPage))
	if err != nil {
		return page{}, nil, fmt.Errorf("read the page: %w", err)
	}
	p := read(tree)
	switch {
	case p.alert != "":
		return p, nil, fmt.Errorf("the page says: %s", p.alert)
	case response.StatusCode >= 400:
		return p, nil, fmt.Errorf("the page says: %s %s", response.Status, p.text)
	}
	return p, response.Request.URL, nil
}

// submit fills the form as the person would and presses a button.
func (b Browser) submit(ctx context.Context, p page, at *url.URL, code string) (*http.Request, error) {
	values := url.Values{}
	for _, in := range p.form.inputs {
		switch {
		case in.kind == "hidden":
			values.Add(in.name, in.value)
		case in.kind == "password":
			values.Set(in.name, b.Password)
		case in.name == "otc":
			values.Set(in.name, code)
		default:
			values.Set(in.name, b.User)
		}
	}
	if button, ok := b.press(p.form); ok && button.name != "" {
		values.Set(button.name, button.value)
	}
	target, err := at.Parse(p.form.action)
	if err != nil {
		return nil, fmt.Errorf("form leads to %q: %w", p.form.action, err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), strings.NewReader(values.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return request, nil
}

// press chooses the button: "cancel" on a page that asks nothing but consent,
// when the person declines, else the first that is not "cancel".
func (b Browser) press(f *form) (field, bool) {
	asks := false
	for _, in := range f.inputs {
		asks = asks || in.kind != "hidden"
	}
	for _, button := range f.buttons {
		if (button.name == "cancel") == (b.Decline && !asks) {
			return button, true
		}
	}
	return field{}, false
}
