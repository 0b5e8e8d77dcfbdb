package rotation

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// An edit makes the wanted document out of the gateway as it is. It returns
// errNothingToEdit when the gateway is already as wanted, which is what makes
// writes convergent, and *MovedError when somebody else has changed what it
// is about.
type edit func(gateway *cloud.Gateway) (cloud.Document, error)

var errNothingToEdit = errors.New("the gateway is already as wanted")

// switchTo is the edit that points listeners to their entries. With a bundle it
// adds the entry when it is missing. It is made whole or not at all.
func switchTo(moves []Move, bundle *pki.Bundle) edit {
	return func(gateway *cloud.Gateway) (cloud.Document, error) {
		pending, astray := pendingMoves(gateway, moves)
		for _, move := range pending {
			if entry, exists := gateway.Certificate(move.To); exists && len(entry.Chain) > 0 && move.ToLeaf != "" && pki.Fingerprint(entry.Chain[0]) != move.ToLeaf {
				astray = append(astray, fmt.Sprintf("certificate entry %s holds another certificate", move.To))
			}
		}
		if len(astray) > 0 {
			return nil, &MovedError{Moved: astray}
		}
		return pointAll(gateway, pending, bundle)
	}
}

// goBack is the edit that takes moves back. What somebody else has touched
// since is left alone and told, but keeps nothing else from going back.
func goBack(moves []Move) edit {
	return func(gateway *cloud.Gateway) (cloud.Document, error) {
		pending, astray := pendingMoves(gateway, reversed(moves))
		pending = slices.DeleteFunc(pending, func(move Move) bool {
			_, exists := gateway.Certificate(move.To)
			if !exists {
				astray = append(astray, "certificate entry "+move.To+" is gone")
			}
			return !exists
		})
		if len(pending) == 0 && len(astray) > 0 {
			return nil, &MovedError{Moved: astray}
		}
		return pointAll(gateway, pending, nil)
	}
}

// pendingMoves are the moves that are still to be made, and what stands in the
// way of others.
func pendingMoves(gateway *cloud.Gateway, moves []Move) (pending []Move, astray []string) {
	for _, move := range moves {
		listener, ok := gateway.Listener(move.Listener)
		switch {
		case !ok:
			astray = append(astray, "listener "+move.Listener+" is gone")
		case strings.EqualFold(listener.CertificateName, move.To):
		case strings.EqualFold(listener.CertificateName, move.From):
			pending = append(pending, move)
		default:
			astray = append(astray, fmt.Sprintf("listener %s points to %s, which is neither %s nor %s",
				move.Listener, listener.CertificateName, move.From, move.To))
		}
	}
	return pending, astray
}

// pointAll makes one document in which all moves are made.
func pointAll(gateway *cloud.Gateway, moves []Move, bundle *pki.Bundle) (cloud.Document, error) {
	if len(moves) == 0 {
		return nil, errNothingToEdit
	}
	listeners := map[string][]string{}
	for _, move := range moves {
		listeners[move.To] = append(listeners[move.To], move.Listener)
	}
	var document cloud.Document
	for entry, names := range listeners {
		var err error
		if document, err = pointTo(gateway, entry, names, bundle); err != nil {
			return nil, err
		}
		if gateway, err = cloud.ParseGateway(document); err != nil {
			return nil, fmt.Errorf("edit gateway: %w", err)
		}
	}
	return document, nil
}

func pointTo(gateway *cloud.Gateway, entry string, listeners []string, bundle *pki.Bundle) (cloud.Document, error) {
	if _, exists := gateway.Certificate(entry); exists {
		return gateway.PointListeners(entry, listeners)
	}
	if bundle == nil {
		return nil, &MovedError{Moved: []string{"certificate entry " + entry + " is gone"}}
	}
	pfx, password, err := pki.WritePFX(bundle, pki.ForGateway)
	if err != nil {
		return nil, fmt.Errorf("write the certificate for the gateway: %w", err)
	}
	return gateway.WithCertificate(entry, pfx, password, listeners)
}
