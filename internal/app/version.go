package app

import "runtime"

// VersionValue is the JSON of `version`.
type VersionValue struct {
	Version  string `json:"version"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// VersionValue says which version of the program this is.
func (a *App) VersionValue() VersionValue {
	return VersionValue{a.Version, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
}
