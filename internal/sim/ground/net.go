package ground

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// Net is the cabling of a world: host names and addresses with their ports
// lead to real TCP listeners on the loopback address, so that what is refused,
// reset or cut is refused, reset or cut by a real network stack. In a world in
// memory they lead to connections that need none.
type Net struct {
	parent   *Net
	exchange *exchange // nil: the loopback address
	visitors *visitors // of it and its parents

	mu        sync.Mutex
	listeners map[string]string   // "host:port" to the loopback address
	names     map[string][]string // DNS: name to addresses of the world
}

// NewNet makes a net; what it does not know, it asks its parent, whose kind it is of.
func NewNet(parent *Net) *Net {
	n := &Net{parent: parent, listeners: map[string]string{}, names: map[string][]string{}, visitors: &visitors{}}
	if parent != nil {
		n.exchange, n.visitors = parent.exchange, parent.visitors
	}
	return n
}

// NewNetInMemory makes a net whose connections are in memory.
func NewNetInMemory() *Net {
	n := NewNet(nil)
	n.exchange = newExchange()
	return n
}

// Open listens where clients are, outside all nets: at "ip:port" of this
// computer, or of the memory that Dial leads into.
func (n *Net) Open(address string) (net.Listener, error) {
	if n.exchange != nil {
		return n.exchange.listen(address)
	}
	return net.Listen("tcp", address)
}

// Dial connects to what Open opened.
func (n *Net) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	if n.exchange != nil {
		return n.exchange.dial(ctx, address)
	}
	var dialer net.Dialer
	return dialer.DialContext(ctx, network, address)
}

// Listen opens a listener that is reached in this net as host:port. Closing it
// makes later connections be refused.
func (n *Net) Listen(host string, port int) (net.Listener, error) {
	inner, err := n.Open("127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for %s:%d: %w", host, port, err)
	}
	key := endpoint(host, port)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.listeners[key] = inner.Addr().String()
	return &cabled{Listener: inner, unplug: func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.listeners[key] == inner.Addr().String() {
			delete(n.listeners, key)
		}
	}}, nil
}

// Name makes name resolve to addresses in this net; no addresses removes it.
func (n *Net) Name(name string, addresses ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.names[strings.ToLower(name)] = addresses
}

// Lookup is the DNS of this net. An address resolves to itself.
func (n *Net) Lookup(host string) []string {
	if net.ParseIP(host) != nil {
		return []string{host}
	}
	n.mu.Lock()
	addresses := slices.Clone(n.names[strings.ToLower(host)])
	n.mu.Unlock()
	if len(addresses) == 0 && n.parent != nil {
		return n.parent.Lookup(host)
	}
	return addresses
}

// DialContext connects to "host:port" in this net. An unknown name gives a
// *net.DNSError, a known one without a listener ECONNREFUSED, as in the world.
func (n *Net) DialContext(ctx context.Context, _, address string) (net.Conn, error) {
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return nil, fmt.Errorf("port of %s: %w", address, err)
	}
	if local, ok := n.find(host, port); ok {
		return n.Dial(ctx, "tcp", local)
	}
	addresses := n.Lookup(host)
	for _, address := range addresses {
		if local, ok := n.find(address, port); ok {
			return n.Dial(ctx, "tcp", local)
		}
	}
	if len(addresses) == 0 && !n.knows(host) {
		return nil, &net.DNSError{Err: "no such host in this world", Name: host, IsNotFound: true}
	}
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
}

func (n *Net) find(host string, port int) (string, bool) {
	n.mu.Lock()
	local, ok := n.listeners[endpoint(host, port)]
	n.mu.Unlock()
	if !ok && n.parent != nil {
		return n.parent.find(host, port)
	}
	return local, ok
}

// knows tells whether anything listens, or a name was given, under host.
func (n *Net) knows(host string) bool {
	n.mu.Lock()
	_, ok := n.names[strings.ToLower(host)]
	prefix := strings.ToLower(host) + ":"
	for key := range n.listeners {
		ok = ok || strings.HasPrefix(key, prefix)
	}
	n.mu.Unlock()
	return ok || n.parent != nil && n.parent.knows(host)
}

func endpoint(host string, port int) string {
	return strings.ToLower(host) + ":" + strconv.Itoa(port)
}

type cabled struct {
	net.Listener
	unplug func()
}

func (c *cabled) Close() error {
	c.unplug()
	return c.Listener.Close()
}
