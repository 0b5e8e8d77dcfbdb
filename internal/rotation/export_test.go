package rotation

import "net/http"

// PinnedClient is the runner's own client, for tests that ask as it does.
func (r *Runner) PinnedClient(leaves ...string) *http.Client { return r.pinnedClient(leaves) }
