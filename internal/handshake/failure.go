package handshake

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/cartouche-gis/cartouche/internal/egress"
)

// Numbers of Windows Sockets, which package syscall does not map to its own
// (learn.microsoft.com/windows/win32/winsock/windows-sockets-error-codes-2). No
// other system has errors of these numbers.
const (
	wsaNetUnreachable  = syscall.Errno(10051)
	wsaConnAborted     = syscall.Errno(10053)
	wsaConnReset       = syscall.Errno(10054)
	wsaConnRefused     = syscall.Errno(10061)
	wsaHostUnreachable = syscall.Errno(10065)
)

// is tells whether one of the system errors is the cause of err.
func is(err error, causes ...syscall.Errno) bool {
	for _, cause := range causes {
		if errors.Is(err, cause) {
			return true
		}
	}
	return false
}

func refused(err error) bool { return is(err, syscall.ECONNREFUSED, wsaConnRefused) }

func reset(err error) bool {
	return is(err, syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED, wsaConnReset, wsaConnAborted)
}

func routeless(err error) bool {
	return is(err, syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.EADDRNOTAVAIL, wsaNetUnreachable, wsaHostUnreachable)
}

func timedOut(err error) bool {
	var network net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network) && network.Timeout()
}

// lookupFailure puts an error of finding addresses into a code and words.
func lookupFailure(ctx context.Context, host string, err error) (code, words string) {
	var dns *net.DNSError
	switch {
	case ctx.Err() != nil:
		return codeInterrupted, interruption(ctx)
	case errors.As(err, &dns) && dns.IsNotFound:
		return codeNameNotFound, fmt.Sprintf("the name %s is not known to DNS here", host)
	case errors.As(err, &dns), timedOut(err):
		return codeNameNotFound, fmt.Sprintf("the name %s could not be looked up: DNS does not answer properly here", host)
	}
	return codeInvalidTarget, err.Error()
}

// dialFailure does the same for an error before the handshake began. The
// context is the caller's, without the Looker's own timeout.
func (l *Looker) dialFailure(ctx context.Context, err error) (code, words string) {
	var proxy *egress.ProxyError
	switch {
	case ctx.Err() != nil:
		return codeInterrupted, interruption(ctx)
	case errors.As(err, &proxy) && proxy.AboutTarget():
		return codeUnreachable, proxy.Error()
	case errors.As(err, &proxy):
		return codeProxyTrouble, proxy.Error()
	case timedOut(err):
		return codeUnreachable, fmt.Sprintf("no connection within %s", l.timeout())
	case refused(err):
		return codeUnreachable, "the connection was refused"
	case reset(err):
		return codeUnreachable, "the connection was reset"
	case routeless(err):
		return codeNoRoute, "this computer has no route to the address"
	}
	return codeUnreachable, err.Error()
}

// handshakeFailure does the same for an error of the handshake itself.
func (l *Looker) handshakeFailure(ctx context.Context, err error) (code, words string) {
	var (
		record tls.RecordHeaderError
		op     *net.OpError
	)
	switch {
	case ctx.Err() != nil:
		return codeInterrupted, interruption(ctx)
	case timedOut(err):
		return codeHandshakeFailed, fmt.Sprintf("connected, but the handshake did not end within %s", l.timeout())
	case errors.As(err, &record) && record.Conn != nil:
		return codeNotTLS, notTLS(record.RecordHeader)
	case errors.As(err, &op) && op.Op == "remote error":
		return codeHandshakeFailed, "the server refused the handshake with the alert \"" +
			strings.TrimPrefix(op.Err.Error(), "tls: ") + "\""
	case reset(err):
		return codeHandshakeFailed, "the connection was reset during the handshake"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return codeHandshakeFailed, "the server closed the connection during the handshake"
	}
	return codeHandshakeFailed, err.Error()
}

// notTLS names what the first bytes of an answer show, without quoting them.
func notTLS(first [5]byte) string {
	for _, known := range []struct{ prefix, speaks string }{
		{"HTTP/", "plain HTTP"}, {"<", "plain HTTP"}, {"SSH-", "SSH"}, {"220", "a protocol like SMTP or FTP"},
	} {
		if bytes.HasPrefix(first[:], []byte(known.prefix)) {
			return "what answers speaks " + known.speaks + ", not TLS"
		}
	}
	return "what answers does not speak TLS"
}

func interruption(ctx context.Context) string {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return "the time for the whole look was up"
	}
	return "the look was interrupted"
}
