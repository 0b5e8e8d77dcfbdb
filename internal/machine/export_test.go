package machine

import "time"

// Fingerprints are a certificate's SHA-1 and SHA-256.
var Fingerprints = fingerprints

// Within bounds the look at each component.
func (w *Worker) Within(d time.Duration) { w.lookTime = d }
