package evidence

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/journal"
)

// Store is where evidence is kept: a directory for each deployment, in it one file
// for each run, chained in the order in which they were written. Whoever writes
// must have the lock of the deployment.
type Store struct{ Dir string }

// Kept is a file that is there.
type Kept struct {
	Path string
	File File
}

// maxFiles bounds what is read of a directory.
const maxFiles = 10_000

// Of lists what is kept of a deployment, by number. Files that cannot be read are
// left out: Verify tells of them.
func (s Store) Of(gatewayID, deploymentID string) ([]Kept, error) {
	dir, err := s.find(gatewayID, deploymentID)
	if err != nil || dir == "" {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	if len(entries) > maxFiles {
		return nil, fmt.Errorf("evidence in %s: %d files are too many", dir, len(entries))
	}
	var list []Kept
	for _, entry := range entries {
		name := filepath.Join(dir, entry.Name())
		if filepath.Ext(name) != ".json" {
			continue
		}
		data, err := ReadFile(name)
		if err != nil {
			continue
		}
		if file, err := Read(data); err == nil {
			list = append(list, Kept{Path: name, File: file})
		}
	}
	slices.SortFunc(list, func(a, b Kept) int { return a.File.Document.Number - b.File.Document.Number })
	return list, nil
}

// ReadFile reads a file of evidence, or what claims to be one.
func ReadFile(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxSize {
		return nil, fmt.Errorf("%s: larger than evidence is", name)
	}
	return data, nil
}

// Keep writes the evidence of each of the runs that has none yet, or none of its
// end, the oldest first: all are of one deployment. Of runs their heads are enough;
// whole reads all of one. It gives what it has written; an error leaves out what
// comes after.
func (s Store) Keep(runs []journal.Run, whole func(id string) (journal.Run, error), key *Key, at time.Time) ([]Kept, error) {
	if len(runs) == 0 {
		return nil, nil
	}
	kept, err := s.Of(runs[0].GatewayID, runs[0].DeploymentID)
	if err != nil {
		return nil, err
	}
	runs = slices.Clone(runs)
	slices.SortStableFunc(runs, func(a, b journal.Run) int { return a.StartedAt.Compare(b.StartedAt) })
	var written []Kept
	for _, run := range runs {
		of := filesOf(kept, run.ID)
		if n := len(of); n > 0 && of[n-1].File.Document.Outcome.Word == run.Outcome {
			continue
		}
		run, err := whole(run.ID)
		if err != nil {
			return written, err
		}
		document := Of(run, at)
		document.Number = 1
		if n := len(kept); n > 0 {
			last := kept[n-1].File
			document.Number = last.Document.Number + 1
			document.Previous = &Previous{Run: last.Document.Run.ID, SHA256: last.Hash}
		}
		one, err := s.write(document, len(of), key)
		if errors.Is(err, errThere) {
			continue
		}
		if err != nil {
			return written, err
		}
		kept, written = append(kept, one), append(written, one)
	}
	return written, nil
}

// Latest is the newest evidence of a run; false when there is none.
func (s Store) Latest(run journal.Run) (Kept, bool, error) {
	kept, err := s.Of(run.GatewayID, run.DeploymentID)
	of := filesOf(kept, run.ID)
	if err != nil || len(of) == 0 {
		return Kept{}, false, err
	}
	return of[len(of)-1], true, nil
}

func filesOf(kept []Kept, runID string) []Kept {
	var list []Kept
	for _, one := range kept {
		if one.File.Document.Run.ID == runID {
			list = append(list, one)
		}
	}
	return list
}

// errThere says that a run has a file that cannot be read. It stays as it is:
// Verify tells of it.
var errThere = errors.New("there is a file already")

// write makes the file of a document. One of the same run that was written while
// the run was in doubt stays: this one comes after it.
func (s Store) write(document Document, earlier int, key *Key) (Kept, error) {
	data, err := seal(document, key)
	if err != nil {
		return Kept{}, err
	}
	file, err := Read(data)
	if err != nil {
		return Kept{}, fmt.Errorf("evidence of run %s: %w", document.Run.ID, err)
	}
	dir, err := s.find(document.Deployment.GatewayID, document.Deployment.ID)
	if err != nil {
		return Kept{}, err
	}
	if dir == "" {
		dir = filepath.Join(s.Dir, plainName(document.Deployment.Name)+"-"+chainID(document.Deployment.GatewayID, document.Deployment.ID))
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return Kept{}, err
		}
	}
	name := plainName(document.Run.ID)
	if earlier > 0 {
		name = fmt.Sprintf("%s.%d", name, earlier+1)
	}
	path := filepath.Join(dir, name+".json")
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return Kept{}, errThere
	}
	return Kept{Path: path, File: file}, WriteFile(path, data)
}

// WriteFile writes a file that only the user may read, whole or not at all.
func WriteFile(path string, data []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".evidence-*") // made with mode 0600
	if err != nil {
		return err
	}
	_, err = io.Copy(file, bytes.NewReader(data))
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// find is the directory of a deployment, "" when there is none. It is known by the
// end of its name, since a deployment may be called otherwise today.
func (s Store) find(gatewayID, deploymentID string) (string, error) {
	entries, err := os.ReadDir(s.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	for _, entry := range entries {
		if entry.IsDir() && strings.HasSuffix(entry.Name(), "-"+chainID(gatewayID, deploymentID)) {
			return filepath.Join(s.Dir, entry.Name()), nil
		}
	}
	return "", err
}

// chainID tells chains apart: one for each deployment on each gateway.
func chainID(gatewayID, deploymentID string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(gatewayID + "\n" + deploymentID)))
	return hex.EncodeToString(sum[:8])
}

// plainName is a name for a file: what Azure calls things must not lead elsewhere.
func plainName(name string) string {
	plain := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9', r == '-', r == '.':
			return r
		}
		return '-'
	}, strings.ToLower(name))
	return strings.Trim(plain[:min(len(plain), 60)], "-.")
}
