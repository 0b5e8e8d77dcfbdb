package witness

// vaults are the versions that came into Key Vaults since the beginning. What
// was there before is old: invariant I3.
type vaults struct {
	made map[string]bool // "VAULT/OBJECT/VERSION"
}

// wrote takes the ledger's note of a write. Whole objects are nobody's to
// delete; a version may be disabled by whoever made it, to take it back.
func (v *vaults) wrote(w *Witness, object, what string) {
	if v.made == nil {
		v.made = map[string]bool{}
	}
	switch what {
	case "import", "set":
		v.made[object] = true
	case "delete", "purge", "patch enabled=false":
		if !v.made[object] && !w.clean {
			w.say("I3", "%s in Key Vault, which was there before: %s", object, what)
		}
	case "policy":
		w.say("I7", "the policy of %s in Key Vault changed", object)
	}
}
