// Package strangers holds no code but tests: programs that nobody here wrote
// work against the simulator, and the built program works as a process of its
// own. All they are given is the environment that `cartouche sim ha` writes.
//
// The simulator and our clients come from the same hands and may share a
// mistake; azure-cli, OpenSSL and curl do not. A test whose stranger is not
// installed is skipped by name, or fails when CARTOUCHE_STRANGERS is
// "required", as .ci/run has it.
package strangers
