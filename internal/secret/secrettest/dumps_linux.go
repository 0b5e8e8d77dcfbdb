package secrettest

import (
	"fmt"
	"os"
	"regexp"
	"testing"
	"time"
)

// noCore is the line of proc(5), limits, where no core dump may be written, by
// the soft limit and by the hard one.
var noCore = regexp.MustCompile(`Max core file size +0 +0 `)

// WritesNoCore waits until a process, which has just been started, has given up
// that a core dump is written of it.
func WritesNoCore(t *testing.T, process int) {
	t.Helper()
	var limits []byte
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		var err error
		if limits, err = os.ReadFile(fmt.Sprintf("/proc/%d/limits", process)); err != nil {
			t.Fatal(err)
		}
		if noCore.Match(limits) {
			return
		}
	}
	t.Errorf("core dumps are not off:\n%s", limits)
}
