// Package matrix breaks whole rotations, everywhere, on purpose, in virtual
// time; it has nothing but tests.
//
// A case is a world, a source of the certificate, a way to the machines, and
// one break at one request of the client, or at one connection to a machine or
// to the gateway; with -twice there is another break some requests later, in the
// same run or in the one after it. It runs in a bubble of
// testing/synctest, in which a wait of minutes costs nothing: so the world
// runs at its own speed (Scale 1) and the client with its patience for
// production, and a case takes a tenth of a second. To make that possible the
// world's cabling is in memory (sim.Options.InMemory), and so is the client's
// way to its proxy (egress.Network.WithDialer); everything else is what users
// run: TLS, HTTP, the SDK, SQLite.
//
// To write a case:
//
//	inBubble(t, func(t *testing.T) {
//		s := newScene(t, sim.Options{World: "single"}) // the world, its first deployment, a journal
//		p := s.process()                               // a client: its own connections, its own handle of the journal
//		p.breaks = ...                                 // what is to break, see break_test.go; nil is nothing
//		result, err := p.runner(...)                   // as any user of rotation or rollout
//	})
//
// A process that is killed (process.kill) has no network and no journal any
// more, from that instant on; what its goroutines go on with shows nowhere.
// Another process of the same scene goes on with the same journal.
//
// A goroutine that waits for a sync.Mutex stops the clock of its bubble. Code
// that holds one while it waits for the network therefore hangs a case, as it
// would make Ctrl-C wait; use a channel there, which gives up with its context.
//
// Rollouts of internal certificates (rollout_*.go) are broken on the side of the
// world, which stands between a client and everything that it asks for
// (ground.Between): Azure and machines alike, the requests of its agents too.
// They have flags of their own: -rollout.full, -rollout.pairs, -rollout.cases,
// -rollout.seed, -rollout.case, -rollout.twice and, with -v, -rollout.tell. What
// machines answer while an external certificate is rotated is broken there, too.
//
// Settings that are "claimed" claim the deployment as the command does (package
// lease); who comes meanwhile does so from another computer, and must be sent
// away. In the others two runs work at once with nothing but the gateway's ETag
// between them, as with --no-lease.
//
// What breaks: the process is killed before or after a request's effect; resets
// before and after; no answer, with and without effect; late answers; 401, 403,
// 409, 412, 429, 500, 503, 503 after the effect; a page, another document, half
// a document; operations that are slow, fail or are superseded; a sleep of five
// hours, a clock that jumps an hour back or 40 days on; offline for ten minutes
// or three hours; a second run; a person's change of the gateway; a claim that
// somebody breaks; what the edge, Portal and the federation do by themselves.
//
// Not in the matrix:
//   - Linux machines by the agent's way, whose scripts are real processes, which
//     live in real time (internal/rehearsal has them)
//   - rollouts that two runs make at once without a claim, which is not promised;
//     403, half a document and 503 after the effect at their requests
//   - worlds, sources and ways that setting_test.go does not pair: a vault where
//     the world has none that is read from outside, the agent in single, which
//     has no storage account; but also pairs that could be: dsc elsewhere than
//     in ha 12.0, a new CA by dsc, the sources of ha at multi, sites and twin,
//     and the other ways to gitops, whose rollouts are missing as well
//   - places behind the third request of a kind, unless -twice comes by
//
// A bounded part, chosen by seed 1, runs with go test. For more:
//
//	go test ./internal/matrix -run TestMatrix -v -seed 7 -cases 200        other cases, and more of them
//	go test ./internal/matrix -run TestMatrix -v -case "ha, import"        all whose name contains it
//	go test ./internal/matrix -run TestMatrix -v -full -timeout 12h        all, some 35000
//	go test ./internal/matrix -run TestMatrix -v -pairs -timeout 3h        as few as bring every setting, way to break and kind of request together
//	go test ./internal/matrix -run TestRollouts -v -rollout.pairs -timeout 3h
//	go test ./internal/matrix -run TestMatrix -v -twice                    two breaks in each
//	go test ./internal/matrix -run TestMatrix -v -soak 1h -timeout 2h      one seed after another, every second one with -twice
//
// Which cases are run is decided by the seed alone, and time is virtual; what
// happens at the same instant still happens in the scheduler's order, and keys
// are random. A case that fails prints the line that runs it again, and the
// table counts worlds, sources and ways, requests, ways to break, and outcomes.
package matrix
