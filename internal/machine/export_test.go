package machine

// Fingerprints are a certificate's SHA-1 and SHA-256.
var Fingerprints = fingerprints
