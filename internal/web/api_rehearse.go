package web

import (
	"bytes"
	"net/url"
	"strconv"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/rehearse"
	"github.com/cartouche-gis/cartouche/internal/web/portrait"
)

// rehearse rehearses what plan plans, as the command of that name.
func (c *call) rehearse() (any, error) {
	asked, err := c.rehearsalAsked()
	if err != nil {
		return nil, err
	}
	session, d, err := c.ofAddress()
	if err != nil {
		return nil, err
	}
	logins, err := c.logins()
	if err != nil {
		return nil, err
	}
	leave, err := c.enterStage()
	if err != nil {
		return nil, err
	}
	defer leave()
	original, _, err := trying(c.Server, d, logins.SiteAdmin, func() (*rehearse.Original, error) {
		return rehearse.Read(c.r.Context(), session, d, logins, asked)
	})
	if err != nil {
		return nil, notTried(err, logins.SiteAdmin)
	}
	if err := original.Check(c.r.Context()); err != nil {
		return nil, err
	}
	played, err := original.Play(c.r.Context(), c.options.App.With(c))
	if err != nil {
		return nil, err
	}
	played.Next = apiPath + "/deployments/" + url.PathEscape(c.r.PathValue("deployment")) + "/apply"
	return with(played.Rehearsal, played.Failure)
}

// rehearsalAsked is what is asked to be rehearsed, and how.
func (c *call) rehearsalAsked() (asked rehearse.Asked, err error) {
	asked.Scale = c.scale()
	if text := c.form.value("scale"); text != "" {
		if asked.Scale, err = strconv.ParseFloat(text, 64); err != nil {
			return asked, app.Usage("scale=30", "scale is a number from 1 to 1000")
		}
	}
	if text := c.form.value("fault"); text != "" {
		if asked.Faults, err = rehearse.Faults(strings.Split(text, ",")); err != nil {
			return asked, app.Usage("cartouche sim --help lists them", "fault is none of those that there are, or cannot happen at its step") // not quoted: it may be anything
		}
	}
	if asked.WithoutPortal, err = c.form.yes("without-portal"); err != nil {
		return asked, err
	}
	internal := c.form.value("internal") != ""
	goal, renewal, err := c.form.goal(internal, c.options.App.Now())
	if err != nil {
		return asked, err
	}
	asked.Renewal = renewal
	if internal {
		asked.Machines = &goal
		if asked.Renewal.Reach, err = c.form.reach(); err != nil {
			return asked, err
		}
	}
	return asked, asked.Check()
}

// shape is that of a deployment, as a file to rehearse with.
func (c *call) shape() (any, error) {
	mask, err := strconv.ParseBool(c.r.URL.Query().Get("mask"))
	if err != nil && c.r.URL.Query().Get("mask") != "" {
		return nil, app.Usage("mask=true, or leave it out", "mask is true or false")
	}
	seen, err := c.look()
	if err != nil {
		return nil, err
	}
	saved, err := shapeSeen(portrait.Seen{State: seen.State, Roots: seen.Session.Roots}, mask)
	if err != nil {
		return nil, app.WhileServing(err, app.NothingChanged, "")
	}
	var text bytes.Buffer // for people to read as well
	if err := saved.Write(&text); err != nil {
		return nil, err
	}
	c.w.Header().Set("Content-Type", "application/json")
	_, _ = c.w.Write(text.Bytes()) // nobody is left to be told
	return nil, nil
}
