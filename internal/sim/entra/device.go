package entra

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// device is a sign-in that a person finishes on another device (RFC 8628).
// Source: Microsoft identity platform, "OAuth 2.0 device authorization grant".
type device struct {
	code        string // that the person types
	tenantName  string
	application Application
	resource    string
	scopes      []string
	asked       time.Time // last poll
	state       deviceState
	in          signIn // once approved
}

type deviceState int

const (
	pending deviceState = iota
	approved
	declined
)

// startDevice is the device authorization endpoint (RFC 8628 §3.1).
func (s *Server) startDevice(w http.ResponseWriter, r *http.Request, name string) *failure {
	if f := readForm(r); f != nil {
		return f
	}
	v1 := r.PostForm.Get("resource") != ""
	application, f := s.application(name, r.PostForm.Get("client_id"))
	if f != nil {
		return f
	}
	if !application.Public {
		return problem("invalid_client", 7000218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.")
	}
	tenant, _ := s.tenant(name)
	resource, scopes, f := s.personScopes(r.PostForm, tenant)
	if f != nil {
		return f
	}
	d := &device{code: userCode(), tenantName: name, application: application, resource: resource, scopes: scopes}
	s.mu.Lock()
	deviceCode, ok := s.devices.put(d)
	s.mu.Unlock()
	if !ok {
		return problem("temporarily_unavailable", 90055, "Too many sign-ins are waiting.")
	}
	seconds, interval := int(s.options.DeviceLife.Seconds()), int(s.options.DeviceInterval.Seconds())
	body := map[string]any{"user_code": d.code, "device_code": deviceCode, "verification_uri": s.options.Device, "expires_in": seconds, "interval": interval,
		"message": fmt.Sprintf("To sign in, use a web browser to open the page %s and enter the code %s to authenticate.", s.options.Device, d.code)}
	if v1 { // v1 has another name for it, and numbers as text
		body["verification_url"], body["expires_in"], body["interval"] = s.options.Device, fmt.Sprint(seconds), fmt.Sprint(interval)
		delete(body, "verification_uri")
	}
	answer(w, http.StatusOK, body)
	return nil
}

// userCode is nine letters and digits without those that look alike.
func userCode() string {
	const letters = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789" // 32: no bias below
	var b [9]byte
	_, _ = rand.Read(b[:])
	for i := range b {
		b[i] = letters[b[i]%32]
	}
	return string(b[:])
}

// tokenForDevice is the client's poll (RFC 8628 §3.4).
// Source for authorization_pending, authorization_declined,
// bad_verification_code and expired_token: Microsoft's page on the grant.
// guess: the numbers of the last three, and slow_down, which that page does
// not list and the RFC does.
func (s *Server) tokenForDevice(w http.ResponseWriter, r *http.Request, name string) *failure {
	application, f := s.identifyForPerson(r, name)
	if f != nil {
		return f
	}
	s.mu.Lock()
	code := r.PostForm.Get("device_code")
	if code == "" {
		code = r.PostForm.Get("code") // v1
	}
	d, late, found := s.devices.get(code)
	switch {
	case !found || !same(application, d.application):
		f = problem("bad_verification_code", 70018, "Invalid verification code due to User typing in wrong user code for device code flow.")
	case d.state == declined:
		f = problem("authorization_declined", 65004, "User declined to consent to access the app.")
	case late:
		f = problem("expired_token", 70020, "The provided value for the input parameter 'device_code' is not valid. This device code has expired.")
	case d.state == pending && !s.options.Guesses.NeverSlowDown && time.Since(d.asked) < s.options.DeviceInterval/2:
		f = problem("slow_down", 70016, "OAuth 2.0 device flow error. The polling interval must be increased.")
	case d.state == pending:
		f = problem("authorization_pending", 70016, "OAuth 2.0 device flow error. Authorization is pending. Continue polling.")
	}
	if found {
		d.asked = time.Now()
		if d.state != pending {
			s.devices.drop(code) // good for one answer
		}
	}
	if f != nil {
		s.mu.Unlock()
		return f
	}
	in := d.in
	s.mu.Unlock()
	in.continuous = continuous(r.PostForm)
	s.answerPerson(w, in)
	return nil
}

// deviceByCode finds what a person typed; letter case and dashes do not matter.
func (s *Server) deviceByCode(typed string) (found *device, late bool) {
	typed = strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(typed))
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, one := range s.devices.kept {
		if one.thing.code == typed && one.thing.state == pending {
			_, late, _ = s.devices.get(name)
			return one.thing, late
		}
	}
	return nil, false
}
