// Package rollout replaces the internal certificates of a deployment: those
// that its machines serve to the gateway and to each other. The new root is
// trusted everywhere first, then machines change one at a time per role, each
// proved from inside before the next.
package rollout
