// Mutants shows that no guard of Cartouche can be taken out without a test that
// fails. guards.yaml lists the guards: each is taken out by itself, in an overlay
// over the source (nothing is copied or written there), and the test that is
// named beside it must fail. A test that passes all the same is a hole, and so is
// one that fails without the change, or a change that does not compile.
//
//	go run ./test/mutants              every guard; minutes
//	go run ./test/mutants -quick       those that CI runs; a minute or two
//	go run ./test/mutants -run trust   those whose name matches
package main

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/goccy/go-yaml"
	"golang.org/x/sync/errgroup"
)

//go:embed guards.yaml
var list []byte

// guard is one place in the source on which safety rests.
type guard struct {
	Name string `yaml:"name"`
	// Why says what would happen without it.
	Why  string `yaml:"why"`
	File string `yaml:"file"`
	// From stands once in File; To takes the guard out.
	From string `yaml:"from"`
	To   string `yaml:"to"`
	// Package and Test are what must fail then, Test as for go test -run.
	Package string `yaml:"package"`
	Test    string `yaml:"test"`
	// Quick guards are those that CI runs.
	Quick bool `yaml:"quick"`
}

func guards() ([]guard, error) {
	var all []guard
	err := yaml.UnmarshalWithOptions(list, &all, yaml.Strict())
	return all, err
}

// without is the file of a guard with the guard taken out.
func (g guard) without(root string) (string, error) {
	source, err := os.ReadFile(filepath.Join(root, g.File))
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(source), g.From); n != 1 {
		return "", fmt.Errorf("%s has the text of guard %q %d times, want once: look where the guard went, and whether it is still there", g.File, g.Name, n)
	}
	return strings.Replace(string(source), g.From, g.To, 1), nil
}

func main() {
	quick := flag.Bool("quick", false, "only the guards that CI runs")
	run := flag.String("run", "", "only guards whose name matches this `regexp`")
	parallel := flag.Int("p", 2, "how many at once")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := hunt(ctx, *quick, *run, *parallel); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func hunt(ctx context.Context, quick bool, run string, parallel int) error {
	all, err := guards()
	if err != nil {
		return err
	}
	wanted, err := regexp.Compile(run)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(g guard) bool { return quick && !g.Quick || !wanted.MatchString(g.Name) })
	if len(all) == 0 {
		return errors.New("no guard has such a name")
	}
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)

	began := time.Now()
	unfit := baseline(ctx, root, all, parallel)
	fates := make([]fate, len(all))
	var group errgroup.Group
	group.SetLimit(parallel)
	for i, g := range all {
		group.Go(func() error {
			if out, is := unfit[g.key()]; is {
				fates[i] = fate{word: "BROKEN", trace: "with every guard in place: " + out}
			} else {
				fates[i] = takeOut(ctx, root, filepath.Join(scratch, fmt.Sprint(i)), g)
			}
			fmt.Fprintf(os.Stderr, "%-9s %s\n", fates[i].word, g.Name)
			return nil
		})
	}
	_ = group.Wait() // what happened to each is in its fate
	return report(all, fates, time.Since(began))
}

func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	return strings.TrimSpace(string(out)), err
}

// key is the test of a guard.
func (g guard) key() string { return g.Package + " " + g.Test }

// baseline runs the tests with all guards in place, and gives what those said
// that fail anyhow: one that does would kill anything. All of a package run at
// once; only where that fails does each run by itself, and so once more.
func baseline(ctx context.Context, root string, all []guard, parallel int) map[string]string {
	byPackage := map[string][]guard{}
	for _, g := range all {
		byPackage[g.Package] = append(byPackage[g.Package], g)
	}
	var lock sync.Mutex
	unfit := map[string]string{}
	var group errgroup.Group
	group.SetLimit(parallel)
	for _, pkg := range slices.Sorted(maps.Keys(byPackage)) {
		group.Go(func() error {
			var patterns []string
			for _, g := range byPackage[pkg] {
				patterns = append(patterns, g.Test)
			}
			if together := merged(patterns); len(together) == 1 && passes(ctx, root, pkg, together[0]) == "" {
				return nil
			}
			for _, g := range byPackage[pkg] {
				if trouble := passes(ctx, root, pkg, g.Test); trouble != "" {
					lock.Lock()
					unfit[g.key()] = trouble
					lock.Unlock()
				}
			}
			return nil
		})
	}
	_ = group.Wait() // troubles are in their map
	return unfit
}

// passes gives what a test said that does not pass, or is none, "" otherwise.
func passes(ctx context.Context, root, pkg, test string) string {
	out, err := goTest(ctx, root, "", pkg, test)
	switch {
	case err != nil:
		return out
	case strings.Contains(out, "no tests to run"):
		return "no tests to run: " + test
	}
	return ""
}

// merged puts patterns for whole tests into one; those with a slash stay alone,
// since alternatives do not reach over it.
func merged(patterns []string) []string {
	var whole, list []string
	for _, p := range patterns {
		if strings.Contains(p, "/") {
			list = append(list, p)
		} else {
			whole = append(whole, p)
		}
	}
	if len(whole) > 0 {
		list = append(list, strings.Join(whole, "|"))
	}
	return list
}

// fate is what became of a guard that was taken out.
type fate struct {
	word  string // "noticed", "HOLE" or "BROKEN"
	by    string // the test that failed
	trace string
	took  time.Duration
}

func takeOut(ctx context.Context, root, scratch string, g guard) (f fate) {
	began := time.Now()
	defer func() { f.took = time.Since(began) }()
	source, err := g.without(root)
	if err != nil {
		return fate{word: "BROKEN", trace: err.Error()}
	}
	mutant := scratch + filepath.Ext(g.File)
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(root, g.File): mutant}})
	if err == nil {
		err = errors.Join(os.WriteFile(mutant, []byte(source), 0o600), os.WriteFile(scratch+".json", overlay, 0o600))
	}
	if err != nil {
		return fate{word: "BROKEN", trace: err.Error()}
	}
	out, err := goTest(ctx, root, scratch+".json", g.Package, g.Test)
	failed := failedTest.FindStringSubmatch(out)
	switch {
	case err == nil:
		return fate{word: "HOLE", trace: out}
	case failed != nil:
		return fate{word: "noticed", by: failed[1]}
	case strings.Contains(out, "panic: "): // of a test that did not get as far as to fail
		return fate{word: "noticed", by: "a panic"}
	}
	return fate{word: "BROKEN", trace: out}
}

var failedTest = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)

// goTest runs tests once. Without vet and without symbols it links in half the time.
func goTest(ctx context.Context, root, overlay, pkg, test string) (string, error) {
	arguments := []string{"test", "-count=1", "-vet=off", "-ldflags=-s -w", "-timeout=3m", "-run", test}
	if overlay != "" {
		arguments = append(arguments, "-failfast", "-overlay", overlay)
	}
	command := exec.CommandContext(ctx, "go", append(arguments, pkg)...)
	command.Dir = root
	command.Env = append(os.Environ(), "CARTOUCHE_TESTS=all") // those that take long notice, too
	out, err := command.CombinedOutput()
	return string(out), err
}

func report(all []guard, fates []fate, took time.Duration) error {
	holes := 0
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "GUARD\tTAKEN OUT\tNOTICED BY\tSECONDS\tWITHOUT IT")
	for i, g := range all {
		fmt.Fprintf(table, "%s\t%s\t%s\t%.1f\t%s\n", g.Name, fates[i].word, cmp.Or(fates[i].by, "-"), fates[i].took.Seconds(), g.Why)
	}
	_ = table.Flush()
	for i, g := range all {
		if fates[i].word != "noticed" {
			holes++
			fmt.Printf("\n%s %s (%s, go test -run '%s' %s)\n%s\n", fates[i].word, g.Name, g.File, g.Test, g.Package, fates[i].trace)
		}
	}
	fmt.Printf("\n%d guards taken out, %d noticed, in %s\n", len(all), len(all)-holes, took.Round(time.Second))
	if holes > 0 {
		return fmt.Errorf("%d guards could be taken out without a test that fails", holes)
	}
	return nil
}
