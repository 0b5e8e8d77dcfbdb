package pause

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, row := range map[string]struct{ wait, ends, want time.Duration }{
			"the whole while":         {time.Minute, time.Hour, time.Minute},
			"until nobody wants it":   {time.Hour, time.Minute, time.Minute},
			"nothing":                 {0, time.Hour, 0},
			"less than nothing":       {-time.Hour, time.Hour, 0},
			"nothing, and not wanted": {0, 0, 0},
		} {
			ctx, cancel := context.WithTimeout(t.Context(), row.ends)
			began := time.Now()
			err := For(ctx, row.wait)
			if took := time.Since(began); took != row.want || (err != nil) != (row.ends < row.wait || row.ends == 0) {
				t.Errorf("%s: %s, %v; want %s", name, took, err, row.want)
			}
			cancel()
		}
	})
}
