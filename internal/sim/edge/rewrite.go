package edge

import (
	"cmp"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// rewrite is one rule of a rewrite set. Source:
// learn.microsoft.com/azure/application-gateway/rewrite-http-headers-url
type rewrite struct {
	sequence   int
	conditions []condition
	request    []headerChange
	response   []headerChange
}

type condition struct {
	variable string
	pattern  *regexp.Regexp
	negate   bool
}

func (c *compiler) rewrites(to *reference) ([]*rewrite, error) {
	if to == nil {
		return nil, nil
	}
	set, err := find("rewriteRuleSets", c.document.Properties.RewriteRuleSets, to)
	if err != nil {
		return nil, err
	}
	var made []*rewrite
	for _, rule := range set.Properties.RewriteRules {
		next := &rewrite{
			sequence: rule.RuleSequence,
			request:  rule.ActionSet.RequestHeaderConfigurations,
			response: rule.ActionSet.ResponseHeaderConfigurations,
		}
		for _, asked := range rule.Conditions {
			expression := asked.Pattern
			if asked.IgnoreCase {
				expression = "(?i)" + expression
			}
			pattern, err := regexp.Compile(expression)
			if err != nil {
				return nil, fmt.Errorf("rewrite set %s: rule %s: %w", set.Name, rule.Name, err)
			}
			next.conditions = append(next.conditions, condition{variable: asked.Variable, pattern: pattern, negate: asked.Negate})
		}
		made = append(made, next)
	}
	slices.SortStableFunc(made, func(a, b *rewrite) int { return cmp.Compare(a.sequence, b.sequence) })
	return made, nil
}

// exchange is what the variables of a rewrite rule refer to.
type exchange struct {
	original *http.Request // as the client sent it
	request  http.Header   // on its way to the backend
	response http.Header   // nil before there is an answer
	groups   map[string]string
}

// apply carries out the rules: header changes of the request when there is no
// response yet, of the response otherwise.
func (e *exchange) apply(rules []*rewrite) {
	for _, rule := range rules {
		e.groups = map[string]string{}
		if !e.holds(rule) {
			continue
		}
		changes, header := rule.request, e.request
		if e.response != nil {
			changes, header = rule.response, e.response
		}
		for _, change := range changes {
			if change.HeaderValue == "" {
				header.Del(change.HeaderName)
				continue
			}
			header.Set(change.HeaderName, e.expand(change.HeaderValue))
		}
	}
}

func (e *exchange) holds(rule *rewrite) bool {
	for _, condition := range rule.conditions {
		match := condition.pattern.FindStringSubmatch(e.variable(condition.variable))
		if (match != nil) == condition.negate {
			return false
		}
		// A group is referred to as the variable with its number behind.
		for number, group := range match {
			e.groups[condition.variable+"_"+strconv.Itoa(number)] = group
		}
	}
	return true
}

var variable = regexp.MustCompile(`\{([A-Za-z0-9_-]+)\}`)

func (e *exchange) expand(value string) string {
	return variable.ReplaceAllStringFunc(value, func(braced string) string {
		name := strings.Trim(braced, "{}")
		if group, ok := e.groups[name]; ok {
			return group
		}
		return e.variable(name)
	})
}

// variable is the value of a server variable or header.
func (e *exchange) variable(name string) string {
	if header, ok := strings.CutPrefix(name, "http_req_"); ok {
		if strings.EqualFold(header, "Host") { // net/http keeps it apart
			return e.original.Host
		}
		return e.request.Get(header)
	}
	if header, ok := strings.CutPrefix(name, "http_resp_"); ok {
		return e.response.Get(header)
	}
	switch name {
	case "var_host":
		if host, _, err := net.SplitHostPort(e.original.Host); err == nil {
			return host
		}
		return e.original.Host
	case "var_request_uri":
		return e.original.URL.RequestURI()
	case "var_uri_path":
		return e.original.URL.Path
	case "var_query_string":
		return e.original.URL.RawQuery
	case "var_request_method":
		return e.original.Method
	case "var_client_ip":
		host, _, _ := net.SplitHostPort(e.original.RemoteAddr)
		return host
	}
	return ""
}
