package deployment

import (
	"regexp"
	"strconv"
)

var versionForm = regexp.MustCompile(`^(\d{1,3})\.(\d{1,3})(\.\d{1,5}){0,2}$`)

// firstWithGateway is the first version that Cloud Builder put behind an
// Application Gateway.
var firstWithGateway = [2]int{10, 8}

// readVersion is major and minor; ok is false for what is not a version.
func readVersion(text string) (version [2]int, ok bool) {
	m := versionForm.FindStringSubmatch(text)
	if m == nil {
		return version, false
	}
	// The form has at most three digits in each place, so Atoi cannot fail.
	version[0], _ = strconv.Atoi(m[1])
	version[1], _ = strconv.Atoi(m[2])
	return version, true
}

func older(a, b [2]int) bool {
	if a[0] != b[0] {
		return a[0] < b[0]
	}
	return a[1] < b[1]
}
