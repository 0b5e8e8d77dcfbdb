package site

import (
	"cmp"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// tokens are the tokens that a site has given out. They belong to the site and
// survive restarts of its machines (S24).
type tokens struct {
	mu    sync.Mutex
	given map[string]token
}

type token struct {
	referer string // bound to this Referer header, or
	ip      string // to this address; empty: to nothing
	expires time.Time
}

func newTokens() *tokens { return &tokens{given: map[string]token{}} }

// Lifetimes in minutes: the documented default, and a cap. guess: the cap is
// Portal's documented two weeks for every product.
const (
	defaultExpiration = 60
	maxExpiration     = 14 * 24 * 60
)

// generateToken makes a token for the site administrator (S6). Only a POST can:
// a GET shows the form, which clients take as a sign of life.
func generateToken(c *call) (any, error) {
	if c.r.Method != http.MethodPost {
		return nil, c.page(http.StatusOK, "Generate Token", "username, password, client, referer, ip, expiration, f")
	}
	if c.site.spec.Options.NoSite || c.site.spec.Options.NoSiteRedirects {
		return nil, c.noSite() // guess: as for the rest of the directory
	}
	if c.fault(c.site.spec.Product + "-token") {
		return nil, errAnswered
	}
	inQuery := c.query.Has("username") || c.query.Has("password")
	if c.site.spec.Product == Portal && c.site.version.atLeast(10, 7) && inQuery {
		// Seen in Esri/resource-proxy#534.
		return nil, tokenFailure("POST request should not contain username and password in the query string.")
	}
	if c.site.spec.Product == Portal && c.body.Get("token") != "" {
		return exchangeToken(c)
	}
	user, password := c.body.Get("username"), c.body.Get("password")
	var missing []string
	for _, field := range [][2]string{{"username", user}, {"password", password}} {
		if field[1] == "" {
			missing = append(missing, "'"+field[0]+"' must be specified.")
		}
	}
	if len(missing) > 0 {
		return nil, tokenFailure(missing...)
	}
	if !c.signedIn(user, password) {
		if c.site.product.nestedErrors {
			if _, other := c.site.spec.Options.Answers[WrongPassword]; other && c.site.spec.Product != Portal {
				return nil, c.unpublished(WrongPassword, Answer{})
			}
			return nil, tokenFailure("Invalid username or password.") // seen in Esri/collector-tools#91
		}
		return nil, c.unpublished(WrongPassword, Answer{Code: 401, Message: "Invalid username or password"})
	}

	made := token{}
	switch client := c.body.Get("client"); client {
	case "referer":
		if made.referer = c.body.Get("referer"); made.referer == "" {
			return nil, tokenFailure("'referer' must be specified.")
		}
	case "ip":
		made.ip = c.body.Get("ip")
	case "requestip":
		made.ip = c.clientIP()
	default:
		// Esri's DSC sends a referer without client; guess: that binds too.
		made.referer = c.body.Get("referer")
	}
	return c.give(made), nil
}

// exchangeToken makes a token for a federated server of a portal's own token;
// in the simulation it is good for the same. Source:
// developers.arcgis.com/rest/users-groups-and-items/generate-token, serverURL.
func exchangeToken(c *call) (any, error) {
	if c.body.Get("serverUrl") == "" && c.body.Get("serverURL") == "" {
		return nil, tokenFailure("'serverUrl' must be specified.") // guess
	}
	if refused := c.authorize(); refused != nil {
		return nil, refused
	}
	known, _ := c.site.findToken(c.sentToken())
	return c.give(token{referer: known.referer, ip: known.ip}), nil
}

// give makes up a token for as long as the request wants it.
func (c *call) give(made token) any {
	minutes, err := strconv.Atoi(cmp.Or(c.body.Get("expiration"), strconv.Itoa(defaultExpiration)))
	if err != nil || minutes <= 0 {
		minutes = defaultExpiration
	}
	made.expires = c.site.ground.Clock.Now().Add(time.Duration(min(minutes, maxExpiration)) * time.Minute)
	text := rand.Text() + rand.Text()
	c.site.tokens.mu.Lock()
	c.site.tokens.given[text] = made
	c.site.tokens.mu.Unlock()

	answer := map[string]any{"token": text, "expires": made.expires.UnixMilli()}
	if c.site.spec.Options.ExpiresAsString {
		answer["expires"] = strconv.FormatInt(made.expires.UnixMilli(), 10)
	}
	if c.site.spec.Product == Portal {
		answer["ssl"] = true
	}
	return answer
}

func tokenFailure(details ...string) *failure {
	return &failure{code: 400, message: "Unable to generate token.", details: details}
}

func (c *call) signedIn(user, password string) bool {
	sameUser := user == c.site.spec.Admin
	if c.site.spec.Product != Portal {
		sameUser = strings.EqualFold(user, c.site.spec.Admin) // guess: only Portal's is documented to mind the case
	}
	return sameUser && subtle.ConstantTimeCompare([]byte(password), []byte(c.site.spec.Password)) == 1
}

func (c *call) clientIP() string {
	host, _, _ := net.SplitHostPort(c.r.RemoteAddr)
	return host
}

// sentToken looks for the token in the order body, query, X-Esri-Authorization,
// Authorization (S5).
func (c *call) sentToken() string {
	if strict := c.site.product.strictToken && !c.site.spec.Options.TokenInMultipart; !c.multipart || !strict {
		if sent := c.param("token"); sent != "" {
			return sent
		}
	}
	for _, name := range []string{"X-Esri-Authorization", "Authorization"} {
		if sent, ok := strings.CutPrefix(c.r.Header.Get(name), "Bearer "); ok {
			return sent
		}
	}
	return ""
}

// noSite is what a server says before anybody made a site (S7). Seen in public
// issue trackers.
func (c *call) noSite() error {
	if c.site.spec.Options.NoSiteRedirects {
		http.Redirect(c.w, c.r, c.machine.baseURL()+"/admin/createNewSite", http.StatusFound)
		return errAnswered
	}
	return &failure{code: 404, message: fmt.Sprintf("Server machine '%s' does not participate in any Site. Create a new Site or join an existing Site.", c.machine.name)}
}

// authorize demands a token of the site administrator (S4).
func (c *call) authorize() *failure {
	sent := c.sentToken()
	family := c.site.product.nestedErrors
	if sent == "" {
		if family {
			return &failure{code: 499, message: "Token Required"}
		}
		return &failure{code: 499, message: "Unauthorized access. Token not found. You can generate a token using the 'generateToken' operation."}
	}
	known, ok := c.site.findToken(sent)
	expired := !ok || c.site.ground.Clock.Now().After(known.expires) || c.takeFault("expired-token", c.site.spec.Product+"-admin")
	elsewhere := known.referer != "" && c.r.Header.Get("Referer") != known.referer || known.ip != "" && known.ip != c.clientIP()
	switch {
	case !expired && !elsewhere:
		return nil
	case family:
		return &failure{code: 498, message: "Invalid Token"}
	case expired:
		return &failure{code: 498, message: "Invalid token."} // guess: the text was never seen
	}
	return &failure{code: 498, message: "Invalid token, ClientID does not match."}
}

// findToken looks among the site's own tokens and those of its portal.
func (s *Site) findToken(text string) (token, bool) {
	for site := s; site != nil; site = site.spec.Portal {
		site.tokens.mu.Lock()
		known, ok := site.tokens.given[text]
		site.tokens.mu.Unlock()
		if ok {
			return known, true
		}
	}
	return token{}, false
}

// admin is a handler that wants the administrator's token.
func admin(h handler) handler {
	return func(c *call) (any, error) {
		if c.site.spec.Options.NoSite || c.site.spec.Options.NoSiteRedirects {
			return nil, c.noSite()
		}
		if refused := c.authorize(); refused != nil {
			return nil, refused
		}
		return h(c)
	}
}
