package deployment

import (
	"regexp"
	"strings"
)

// readDomain reads a DNS name from a tag. The certificate is judged by this
// name, so anything that is not one is refused rather than guessed at.
func (d *Deployment) readDomain(t tags, name string) string {
	value := t.get(name)
	if value == "" {
		return ""
	}
	domain := strings.ToLower(strings.TrimSuffix(value, "."))
	if !isHostName(domain) {
		d.problem(ProblemMalformedDomain, "The tag %s is %q, which is not a DNS name such as gis.example.com (no scheme, no port, no path; other scripts in their xn-- form).", name, value)
		return ""
	}
	return domain
}

var label = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$`)

// isHostName tells whether name, in lower case, can be a host name: labels of
// RFC 1123, and underscores, which Windows allows.
func isHostName(name string) bool {
	if name == "" || len(name) > 253 {
		return false
	}
	labels := strings.Split(name, ".")
	for _, l := range labels {
		if !label.MatchString(l) {
			return false
		}
	}
	return strings.ContainsAny(labels[len(labels)-1], "abcdefghijklmnopqrstuvwxyz")
}

// covers tells whether a listener's host name, which may contain the
// wildcards * and ?, answers to a DNS name. Azure documents both wildcards for
// hostNames (Application Gateway, "Wildcard host names in listener").
func covers(hostName, domain string) bool {
	return wildcard(strings.ToLower(hostName), strings.ToLower(domain))
}

// wildcard matches in linear memory and without backtracking further than the
// last *, so that a hostile pattern costs no more than length times length.
func wildcard(pattern, text string) bool {
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
