package rotation

import (
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// undone is what is to be taken back.
type undone struct {
	moves []Move
	// before is the gateway as it was.
	before *cloud.Gateway
}

// goBack is the edit that takes moves back, after the gateway was written or a
// certificate was imported that it follows: a reference without a version may
// give something else by now, or soon. What somebody else has touched since is
// left alone and told, but keeps nothing else from going back.
func goBack(u undone) edit {
	return func(gateway *cloud.Gateway, _ int) (cloud.Document, error) {
		pending, astray := u.pending(gateway)
		if len(pending) == 0 && len(astray) > 0 {
			return nil, &MovedError{Moved: astray}
		}
		document, err := pointAll(gateway, pending, nil)
		if err != nil {
			return nil, err
		}
		return u.withoutNew(document)
	}
}

// pending are the moves back that are still to be made, and what stands in the
// way of others.
func (u undone) pending(gateway *cloud.Gateway) (pending []Move, astray []string) {
	var plain, held []Move
	for _, move := range u.moves {
		if move.Back == nil {
			plain = append(plain, move)
		} else {
			held = append(held, move)
		}
	}
	pending, astray = pendingMoves(gateway, reversed(plain))
	pending = slices.DeleteFunc(pending, func(move Move) bool {
		_, exists := gateway.Certificate(move.To)
		if !exists {
			astray = append(astray, "certificate entry "+move.To+" is gone")
		}
		return !exists
	})
	for i, move := range reversed(held) {
		listener, ok := gateway.Listener(move.Listener)
		switch at := listener.CertificateName; {
		case !ok:
			astray = append(astray, "listener "+move.Listener+" is gone")
		case strings.EqualFold(at, move.To):
		case strings.EqualFold(at, held[i].From), strings.EqualFold(at, held[i].To):
			pending = append(pending, move)
		default:
			astray = append(astray, pointsElsewhere(listener, held[i]))
		}
	}
	return pending, astray
}

// withoutNew takes references that were added out again: one that the gateway
// cannot read would make every later write fail.
func (u undone) withoutNew(document cloud.Document) (cloud.Document, error) {
	var added []string
	for _, move := range u.moves {
		if u.before == nil || move.Secret == "" {
			continue
		}
		if _, was := u.before.Certificate(move.To); !was {
			added = append(added, move.To)
		}
	}
	if len(added) == 0 {
		return document, nil
	}
	gateway, err := cloud.ParseGateway(document)
	if err != nil {
		return nil, err
	}
	if without, err := gateway.WithoutCertificates(added); err == nil {
		return without, nil
	}
	return document, nil // somebody else uses it by now
}

// reversed are the moves back.
func reversed(moves []Move) []Move {
	back := make([]Move, len(moves))
	for i, move := range moves {
		back[i] = Move{Listener: move.Listener, From: move.To, FromLeaf: move.ToLeaf, To: move.From, ToLeaf: move.FromLeaf}
		if move.Back != nil {
			back[i].To, back[i].Secret = move.Back.Entry, move.Back.Secret
		}
	}
	return back
}
