// Package egress is the one way out: every connection that Cartouche makes, to
// Azure, to ArcGIS, to an authority's AIA address and for a handshake, goes
// through a [Network], which knows the proxy and the certification authorities
// that the environment names.
//
// The variables are those that every other program on the computer reads:
// HTTPS_PROXY, HTTP_PROXY, NO_PROXY (either case) for the proxy, and
// SSL_CERT_FILE, SSL_CERT_DIR for additional authorities, on every operating
// system (Go by itself honours the latter on Unix only).
//
// Behind a proxy the proxy resolves names, not this computer: what a name means
// is decided where the connection is made. Trouble with the proxy is a
// [*ProxyError], so that nobody looks for it at the target.
package egress
