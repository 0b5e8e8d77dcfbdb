package entra

import (
	"net/http"
	"slices"
	"time"
)

// refreshToken is what a refresh token stands for: the person's sign-in, which
// is good for every tenant that the person is in and for every resource.
// Source: Microsoft identity platform, "Refresh tokens": not bound to a
// resource or tenant, replaced at every use, the old one stays valid.
type refreshToken struct {
	in     signIn
	lapsed bool // not used for too long
}

func (s *Server) keepRefresh(in signIn) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name, ok := s.refresh.put(refreshToken{in: in})
	return "0." + name, ok
}

// tokenForRefresh is the refresh grant (RFC 6749 §6).
func (s *Server) tokenForRefresh(w http.ResponseWriter, r *http.Request, name string) *failure {
	application, f := s.identifyForPerson(r, name)
	if f != nil {
		return f
	}
	s.mu.Lock()
	kept, found := refreshToken{}, false
	if text := r.PostForm.Get("refresh_token"); len(text) > 2 {
		kept, _, found = s.refresh.get(text[2:])
	}
	validFrom := time.Time{}
	if found {
		validFrom = s.validFrom[kept.in.person.ObjectID]
	}
	s.mu.Unlock()
	const form = "2006-01-02T15:04:05.0000000Z"
	switch since := kept.in.at.UTC(); {
	case !found:
		return problem("invalid_grant", 9002313, "Invalid request. Request is malformed or invalid.")
	case !same(application, kept.in.application) && !(application.family && kept.in.application.family):
		return problem("invalid_grant", 700007, "The refresh token was issued to another client '%s'.", kept.in.application.ClientID) // guess: number and text
	case kept.lapsed:
		return problem("invalid_grant", 700082, "The refresh token has expired due to inactivity. The token was issued on %s and was inactive for 90.00:00:00.", since.Format(form))
	case !validFrom.IsZero() && !kept.in.at.After(validFrom):
		return problem("invalid_grant", 50173, "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password. "+
			"The grant was issued on '%s' and the TokensValidFrom date (before which tokens are not valid) for this user is '%s'.", since.Format(form), validFrom.UTC().Format(form))
	}
	in := kept.in
	if in.tenant, f = s.tenantFor(in.person, name, application); f != nil {
		return f
	}
	in.application, in.continuous = application, continuous(r.PostForm)
	if r.PostForm.Get("scope") != "" || r.PostForm.Get("resource") != "" {
		if in.resource, in.scopes, f = s.personScopes(r.PostForm, in.tenant); f != nil {
			return f
		}
		if !slices.Contains(in.scopes, "offline_access") {
			in.scopes = append(in.scopes, "offline_access") // a refresh token replaces itself at every use
		}
	}
	s.answerPerson(w, in)
	return nil
}

// ExpireTokens ends all access tokens that were given so far to the principals
// with these object ids, or to everyone. Clients that understand a claims
// challenge get one; others see an expired token.
func (s *Server) ExpireTokens(objectIDs ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, owner := range s.issued {
		if len(objectIDs) == 0 || slices.Contains(objectIDs, owner) {
			s.ended[id] = true
			delete(s.issued, id)
		}
	}
}

// RevokeRefresh makes all refresh tokens of people worthless that they have so
// far, as a new password does: AADSTS50173.
func (s *Server) RevokeRefresh(people ...Person) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range people {
		s.validFrom[p.ObjectID] = time.Now()
	}
}

// LapseRefresh makes them expire as if they had not been used for 90 days:
// AADSTS700082.
func (s *Server) LapseRefresh(people ...Person) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, one := range s.refresh.kept {
		for _, p := range people {
			if one.thing.in.person.ObjectID == p.ObjectID {
				one.thing.lapsed = true
				s.refresh.kept[name] = one
			}
		}
	}
}
