package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// asked shows a person where to sign in.
func (a *program) asked(ctx context.Context) cloud.Asked {
	return cloud.Asked{
		Open: func(address string) error {
			a.ui.progress.signIn("sign in in the browser, at:", address, "", time.Time{})
			if err := a.openBrowser(ctx, address); err != nil {
				a.ui.warn(fmt.Sprintf("no browser could be opened here: %s. Open the address on this computer yourself, or press Ctrl-C and use any other computer: cartouche login --sign-in device-code", err))
			}
			return ctx.Err()
		},
		Code: func(code cloud.UserCode) {
			a.ui.progress.signIn("sign in in the browser of any computer, with the code "+code.Code+", at:", code.Address, code.Code, code.Expires)
		},
	}
}

func (a *program) openBrowser(ctx context.Context, address string) error {
	if a.env.OpenBrowser == nil {
		return errors.New("there is none")
	}
	return a.env.OpenBrowser(ctx, address)
}

// signIn shows an address, on a line of its own so that it can be copied.
func (p *progress) signIn(text, address, code string, expires time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.json {
		value := struct {
			At      time.Time  `json:"at"`
			Kind    string     `json:"kind"`
			Text    string     `json:"text"`
			Address string     `json:"address"`
			Code    string     `json:"code,omitempty"`
			Expires *time.Time `json:"expires,omitempty"`
		}{At: p.now(), Kind: "sign-in", Text: text, Address: address, Code: code}
		if !expires.IsZero() {
			value.Expires = &expires
		}
		p.object(value)
		return
	}
	p.clear()
	fmt.Fprintln(p.w, p.palette.render(words(title(text))))
	fmt.Fprintln(p.w, p.palette.render(words("  ", accent(address))))
	p.draw()
}
