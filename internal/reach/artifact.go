package reach

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

// maxArtifact bounds a certificate file of Cloud Builder that is kept aside.
const maxArtifact = 1 << 20

// artifact is a file that was laid into the artifact container.
type artifact struct {
	blobs           *cloud.Blobs
	container, name string
	// before is what was there under this name, nil when nothing was.
	before []byte
}

// lay puts a file where the configuration fetches it, and keeps aside what was
// there. What could not be taken away after an earlier machine is ours, and not
// what was there.
func (d *dscWay) lay(ctx context.Context, blobs *cloud.Blobs, container, name string, content []byte) error {
	ours := slices.ContainsFunc(d.laid, func(a artifact) bool { return a.container == container && a.name == name })
	if !ours {
		before, err := blobs.Read(ctx, container, name, maxArtifact)
		if err != nil && !cloud.IsNotFound(err) {
			return ofStorage(ctx, err)
		}
		d.laid = append(d.laid, artifact{blobs: blobs, container: container, name: name, before: before})
	}
	if err := blobs.Upload(ctx, container, name, content); err != nil {
		if !ours && !cloud.Uncertain(err) {
			d.laid = d.laid[:len(d.laid)-1]
		}
		return ofStorage(ctx, err)
	}
	return nil
}

// enter gives the signature by which the machine reads the container.
func (d *dscWay) enter(ctx context.Context, blobs *cloud.Blobs, container string) (secret.Secret, error) {
	token, err := blobs.ContainerToken(ctx, container, time.Hour)
	if err != nil {
		return secret.Secret{}, ofStorage(ctx, err)
	}
	return token, nil
}

// takeAway leaves the container as it was, also after the caller gave up.
func (d *dscWay) takeAway(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), waitForRemoval)
	defer cancel()
	var left []artifact
	var failures []error
	for _, a := range d.laid {
		var err error
		if a.before == nil {
			err = a.blobs.DeleteBlob(ctx, a.container, a.name)
		} else {
			err = a.blobs.Upload(ctx, a.container, a.name, a.before)
		}
		if err != nil {
			left = append(left, a)
			failures = append(failures, err)
		}
	}
	d.laid = left
	return errors.Join(failures...)
}
