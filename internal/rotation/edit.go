package rotation

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// An edit makes the wanted document out of the gateway as it is. carriedOut is
// how often what it made has been carried out before. It returns
// ErrNothingToEdit when the gateway is already as wanted, which is what makes
// writes convergent, and *MovedError when somebody else has changed what it
// is about.
type edit func(gateway *cloud.Gateway, carriedOut int) (cloud.Document, error)

// ErrNothingToEdit is what an edit returns for a gateway that is as wanted.
var ErrNothingToEdit = errors.New("the gateway is already as wanted")

// switchTo is the edit that points listeners to their entries. Entries that are
// missing are added: references, or with a bundle the certificate itself. It is
// made whole or not at all.
func switchTo(moves []Move, bundle *pki.Bundle) edit {
	return func(gateway *cloud.Gateway, carriedOut int) (cloud.Document, error) {
		pending, astray := pendingMoves(gateway, moves)
		for _, move := range moves {
			if entry, exists := gateway.Certificate(move.To); exists && !holds(entry, move) {
				astray = append(astray, fmt.Sprintf("certificate entry %s holds another certificate", move.To))
			}
		}
		if len(astray) > 0 {
			return nil, &MovedError{Moved: astray}
		}
		if len(pending) == 0 && carriedOut == 0 && anyToLookAt(gateway, moves) {
			return gateway.Document(), nil // any write makes the gateway look at Key Vault
		}
		return pointAll(gateway, pending, bundle)
	}
}

// holds tells whether an entry is what a move wants it to be. What a reference
// gives may change with the write, so only what it refers to counts.
func holds(entry cloud.GatewayCertificate, move Move) bool {
	if move.Secret != "" {
		have, ok := ParseInVault(entry.KeyVaultSecretID)
		want, _ := ParseInVault(move.Secret)
		return ok && have.is(want)
	}
	return len(entry.Chain) == 0 || move.ToLeaf == "" || pki.Fingerprint(entry.Chain[0]) == move.ToLeaf
}

// anyToLookAt tells whether an entry follows Key Vault and does not show what
// is wanted. When Azure shows nothing, only a write can tell.
func anyToLookAt(gateway *cloud.Gateway, moves []Move) bool {
	for _, move := range moves {
		in, refers := ParseInVault(move.Secret)
		entry, _ := gateway.Certificate(move.To)
		if refers && in.Version == "" && (len(entry.Chain) == 0 || pki.Fingerprint(entry.Chain[0]) != move.ToLeaf) {
			return true
		}
	}
	return false
}

// withIdentity makes an edit give the gateway an identity as well.
func withIdentity(id string, inner edit) edit {
	if id == "" {
		return inner
	}
	return func(gateway *cloud.Gateway, carriedOut int) (cloud.Document, error) {
		document, err := inner(gateway, carriedOut)
		if errors.Is(err, ErrNothingToEdit) && !gateway.HasIdentity(id) {
			document, err = gateway.Document(), nil
		}
		if err != nil {
			return nil, err
		}
		changed, err := cloud.ParseGateway(document)
		if err != nil {
			return nil, fmt.Errorf("edit gateway: %w", err)
		}
		return changed.WithIdentity(id)
	}
}

// withoutEntries makes an edit take entries out as well, unless they are used.
func withoutEntries(names []string, inner edit) edit {
	if len(names) == 0 {
		return inner
	}
	return func(gateway *cloud.Gateway, carriedOut int) (cloud.Document, error) {
		document, err := inner(gateway, carriedOut)
		if err != nil {
			return nil, err
		}
		changed, err := cloud.ParseGateway(document)
		if err != nil {
			return nil, fmt.Errorf("edit gateway: %w", err)
		}
		if without, err := changed.WithoutCertificates(names); err == nil {
			return without, nil
		}
		return document, nil // somebody else uses one by now
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
			astray = append(astray, pointsElsewhere(listener, move))
		}
	}
	return pending, astray
}

func pointsElsewhere(listener cloud.Listener, move Move) string {
	return fmt.Sprintf("listener %s points to %s, which is neither %s nor %s", move.Listener, listener.CertificateName, move.From, move.To)
}

// pointAll makes one document in which all moves are made.
func pointAll(gateway *cloud.Gateway, moves []Move, bundle *pki.Bundle) (cloud.Document, error) {
	if len(moves) == 0 {
		return nil, ErrNothingToEdit
	}
	listeners, secrets := map[string][]string{}, map[string]string{}
	for _, move := range moves {
		listeners[move.To] = append(listeners[move.To], move.Listener)
		secrets[move.To] = move.Secret
	}
	var document cloud.Document
	for entry, names := range listeners {
		var err error
		if document, err = pointTo(gateway, entry, secrets[entry], names, bundle); err != nil {
			return nil, err
		}
		if gateway, err = cloud.ParseGateway(document); err != nil {
			return nil, fmt.Errorf("edit gateway: %w", err)
		}
	}
	return document, nil
}

func pointTo(gateway *cloud.Gateway, entry, secretID string, listeners []string, bundle *pki.Bundle) (cloud.Document, error) {
	_, exists := gateway.Certificate(entry)
	switch {
	case exists:
		return gateway.PointListeners(entry, listeners)
	case secretID != "":
		return gateway.WithReference(entry, secretID, listeners)
	case bundle == nil || bundle.Key == nil:
		return nil, &MovedError{Moved: []string{"certificate entry " + entry + " is gone"}}
	}
	pfx, password, err := pki.WritePFX(bundle, pki.ForGateway)
	if err != nil {
		return nil, fmt.Errorf("write the certificate for the gateway: %w", err)
	}
	return gateway.WithCertificate(entry, pfx, password, listeners)
}
