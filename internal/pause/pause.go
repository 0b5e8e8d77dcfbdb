// Package pause lets a caller wait without being deaf: for a while, or until
// nobody wants it any more.
package pause

import (
	"context"
	"time"
)

// For waits for d, or gives the error of ctx as soon as that ends. A d of
// nothing or less does not wait.
func For(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
