package cli_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/evidence"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// evidenceHolds verifies what all runs of a script have left: whatever their
// outcome was, it must hold together, and nothing may be missing.
func evidenceHolds(t *testing.T, dir string) {
	var given []evidence.Given
	_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() { // there is none where no run has ended
			return nil
		}
		if info, err := entry.Info(); err != nil || info.Mode().Perm()&0o077 != 0 || !strings.HasSuffix(path, ".json") {
			t.Errorf("%s: a file for others, or a rest of one", path)
		}
		data, err := os.ReadFile(path)
		given = append(given, evidence.Given{Name: path, Data: data, Err: err, Dir: filepath.Dir(path)})
		return nil
	})
	for _, report := range evidence.Verify(given, nil, "dev") {
		for _, finding := range report.Findings {
			if finding.Severity == pki.Refusal {
				t.Errorf("evidence of a run that ended %q: %s (%s)", report.Outcome, finding.Sentence, finding.Code)
			}
		}
	}
}
