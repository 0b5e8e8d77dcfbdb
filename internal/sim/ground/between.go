package ground

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// Between is who stands between the clients of a world and its services: it is
// given every request that came in through a door of a world in memory, and lets
// it be served, or not, or not answered. What gateways, portals and machines ask
// each other passes by.
type Between func(w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter))

// Stand lets somebody stand between from now on; nil is nobody.
func (g *Ground) Stand(between Between) { g.between.Store(&between) }

// come takes a request that is answered by serve.
func (g *Ground) come(w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) {
	if between := g.between.Load(); between != nil && *between != nil && g.Outside.visitors.has(r.RemoteAddr) {
		(*between)(w, r, serve)
		return
	}
	serve(w)
}

// Unseen answers a request whose answer never arrives: the effect is there, and
// the connection is cut.
func Unseen(r *http.Request, serve func(http.ResponseWriter)) {
	serve(&unseen{header: http.Header{}})
	Cut(r)
}

// visitors are the ends of connections that came in through a door.
type visitors struct{ addresses sync.Map }

func (v *visitors) has(address string) bool {
	_, is := v.addresses.Load(address)
	return is
}

// DialForVisitor is DialContext for a client of the world.
func (n *Net) DialForVisitor(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := n.DialContext(ctx, network, address)
	if err == nil && n.exchange != nil { // a real address is soon another's
		n.visitors.addresses.Store(conn.LocalAddr().String(), true)
	}
	return conn, err
}
