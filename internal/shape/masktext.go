package shape

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// text replaces the words of a text. strictly replaces those too that nobody
// knows, but for what is reserved.
func (m *mask) text(text string, strictly bool) string {
	return word.ReplaceAllStringFunc(text, func(one string) string {
		lower := strings.ToLower(one)
		switch {
		case guid.MatchString(one):
			if m.words[lower] == "" {
				m.count["guid"]++
				m.words[lower] = fmt.Sprintf("00000000-0000-4000-8000-%012d", m.count["guid"])
			}
			return m.words[lower]
		case m.words[lower] != "":
			return m.words[lower]
		case strings.HasPrefix(one, "Microsoft."):
			return one
		}
		if address, err := netip.ParseAddr(one); err == nil {
			return m.address(address)
		}
		switch {
		case dns.MatchString(one):
			return m.host(lower)
		case strictly && !reserved.MatchString(one) && !region.MatchString(one):
			return m.give("word", one)
		}
		return one
	})
}

// address keeps what kind of an address it is.
func (m *mask) address(of netip.Addr) string {
	key := of.String()
	if m.words[key] == "" {
		n := m.count["address"]
		m.count["address"]++
		switch {
		case of.IsPrivate() || of.IsLoopback():
			m.words[key] = fmt.Sprintf("10.200.%d.%d", n/250, n%250+4)
		case of.Is6():
			m.words[key] = fmt.Sprintf("2001:db8::%x", n+1)
		default:
			m.words[key] = fmt.Sprintf("203.0.113.%d", n%250+4)
		}
	}
	return m.words[key]
}

// host replaces a DNS name label by label, so that what is below another name is
// so afterwards.
func (m *mask) host(name string) string {
	suffix := ""
	for _, azure := range azures {
		if strings.HasSuffix(name, azure) {
			name, suffix = strings.TrimSuffix(name, azure), azure
		}
	}
	labels := strings.Split(name, ".")
	for i, label := range labels {
		switch {
		case label == "*":
		case suffix == "" && i == len(labels)-1:
			if label != "internal" {
				labels[i] = "example"
			}
		case m.words[label] != "":
			labels[i] = m.words[label]
		default:
			labels[i] = m.give("name-", label)
		}
	}
	return strings.Join(labels, ".") + suffix
}

// certificates are described only: whom they name is replaced, and dates are
// told to the day, since logs of public authorities can be searched by them.
func (m *mask) certificates(s Shape) []Certificate {
	out := make([]Certificate, len(s.Certificates))
	for i, c := range s.Certificates {
		masked := Certificate{ID: c.ID, Key: c.Key, CA: c.CA, Issuer: c.Issuer, Known: c.Known, Fetchable: c.Fetchable,
			NotBefore: s.At.Add(-days(s.At.Sub(c.NotBefore))).Truncate(time.Second), NotAfter: s.At.Add(days(c.NotAfter.Sub(s.At))).Truncate(time.Second).Add(time.Hour)}
		for _, name := range c.Names {
			masked.Names = append(masked.Names, m.text(name, true))
		}
		switch {
		case c.CA && c.Known:
			masked.CommonName = fmt.Sprintf("Public authority %d", i+1)
		case c.CA:
			masked.CommonName = fmt.Sprintf("Authority %d", i+1)
		case len(masked.Names) > 0:
			masked.CommonName = masked.Names[0]
		default:
			masked.CommonName = fmt.Sprintf("Certificate %d", i+1)
		}
		out[i] = masked
	}
	return out
}

// days is a time in whole days, downwards.
func days(d time.Duration) time.Duration {
	const day = 24 * time.Hour
	whole := d / day
	if d < 0 && d%day != 0 {
		whole--
	}
	return whole * day
}
