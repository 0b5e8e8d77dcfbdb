package machine

// The codes of failures, of tasks (TaskResult.Code) and of components
// (Seen.TroubleCode). They are stable: callers and scripts may depend on them.
const (
	// CodeWrongCredentials: the site administrator's name or password is wrong.
	// Never repeat such a sign-in by program: accounts get locked.
	CodeWrongCredentials = "wrong-credentials"
	// CodeSignInRefused: signing in was refused for another reason.
	CodeSignInRefused = "sign-in-refused"
	// CodeNoCredentials: the job has no login, so only the wire was looked at.
	CodeNoCredentials = "no-credentials"
	// CodeUnverified: the certificate that is served is neither pinned by the
	// job nor issued by a root of it, so no password was sent.
	CodeUnverified = "unverified"
	// CodeUnreachable: the port does not answer, or not well.
	CodeUnreachable = "unreachable"
	// CodeNoSite: the product runs and has no site.
	CodeNoSite = "no-site"
	// CodeNoSuchComponent: the job has no component at the task's port, or one
	// without a keystore.
	CodeNoSuchComponent = "no-such-component"
	// CodeImportVanished: the import was answered with success and the entry is
	// not there.
	CodeImportVanished = "import-vanished"
	// CodeAliasTaken: the alias holds another certificate than the expected.
	CodeAliasTaken = "alias-taken"
	// CodeNotInstalled: the alias that is to be activated is not there.
	CodeNotInstalled = "not-installed"
	// CodeInUse: the alias that is to be removed is the active one.
	CodeInUse = "in-use"
	// CodeNotInPlace: this version, or this entry, cannot be replaced in place.
	CodeNotInPlace = "not-in-place"
	// CodeRestartNeverEnded: the component did not come back in time.
	CodeRestartNeverEnded = "restart-never-ended"
	// CodeRestartNotSeen: the component was never seen going down.
	CodeRestartNotSeen = "restart-not-seen"
	// CodeWrongLeafServed: it is back, and serves another certificate.
	CodeWrongLeafServed = "wrong-leaf-served"
	// CodeNeedsAgent: the task needs a program on the machine itself.
	CodeNeedsAgent = "needs-agent"
	// CodeInterrupted: the job was ended from outside.
	CodeInterrupted = "interrupted"
	// CodeRefused: the component answered with an error of its own.
	CodeRefused = "refused"
	// CodeBadJob: the job itself is wrong.
	CodeBadJob = "bad-job"
)
