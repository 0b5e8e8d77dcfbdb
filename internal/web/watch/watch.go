// Package watch keeps how clients fare while a gateway is being changed: what a
// probe's real requests got, with which certificate, and how long nothing came. It
// is what the page of a run draws and counts, and what the journal keeps of it.
package watch

import (
	"math"
	"slices"
	"sync"
	"time"

	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/traffic"
)

const (
	// maxSlices bounds the picture: when there would be more, two become one.
	maxSlices = 120
	// maxLeaves are told apart; a gateway serves two while it is changed.
	maxLeaves  = 6
	maxReasons = 5
	// lately is for how long, and for how many requests, an answer says what is
	// served now.
	lately       = 5 * time.Second
	latelyOfMany = 10
)

// Watch hears a probe, see [Watch.Saw]. Its methods may be called from any goroutine.
type Watch struct {
	mu       sync.Mutex
	seen     Seen
	lastGood time.Time
	last     int // the leaf of the last answer, -1 for none
}

// Seen is what was seen until now.
type Seen struct {
	URL string `json:"url"`
	// From and Until are the first moment and the last.
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
	// Sent and Failed count requests, LongestGap is the longest time between two
	// good answers.
	Sent       int           `json:"sent"`
	Failed     int           `json:"failed"`
	LongestGap time.Duration `json:"longestGapNanoseconds"`
	// Reasons say why requests failed, each once.
	Reasons []string `json:"reasons,omitempty"`
	// Leaves are the certificates in the order in which they came first.
	Leaves []Leaf `json:"leaves"`
	// Slices are equal parts of the time, each as long as Width.
	Slices []Slice       `json:"slices"`
	Width  time.Duration `json:"widthNanoseconds"`
}

// Leaf is one certificate that was served.
type Leaf struct {
	Certificate pki.Description `json:"certificate"`
	Answers     int             `json:"answers"`
	// Since is when it was served after another one had been, or first; Last is its
	// last answer, which was to request number Number.
	Since  time.Time `json:"since"`
	Last   time.Time `json:"last"`
	Number int       `json:"number"`
}

// Slice is what came in one part of the time: good answers by leaf, and failures.
type Slice struct {
	Good   []int `json:"good"`
	Failed int   `json:"failed"`
}

// New begins to watch what a URL answers.
func New(url string, now time.Time) *Watch {
	return &Watch{seen: Seen{URL: url, From: now, Until: now, Width: time.Second}, lastGood: now, last: -1}
}

// Saw takes an answer; it is a Probe's Saw.
func (w *Watch) Saw(a traffic.Answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := &w.seen
	s.Sent++
	w.pass(a.At)
	slice := w.slice(a.At)
	if a.Err != nil {
		s.Failed++
		slice.Failed++
		if reason := a.Err.Error(); len(s.Reasons) < maxReasons && !slices.Contains(s.Reasons, reason) {
			s.Reasons = append(s.Reasons, reason)
		}
		return
	}
	w.lastGood = a.At
	leaf := w.leaf(a)
	for len(slice.Good) <= leaf {
		slice.Good = append(slice.Good, 0)
	}
	slice.Good[leaf]++
}

// pass notes that time has passed.
func (w *Watch) pass(now time.Time) {
	if now.After(w.seen.Until) {
		w.seen.Until = now
	}
	w.seen.LongestGap = max(w.seen.LongestGap, now.Sub(w.lastGood))
}

// leaf is the place of an answer's certificate among the leaves. An answer without
// one, by plain HTTP, and the seventh certificate count as the last.
func (w *Watch) leaf(a traffic.Answer) int {
	s := &w.seen
	d := pki.Describe(a.Leaf)
	i := slices.IndexFunc(s.Leaves, func(l Leaf) bool { return l.Certificate.SHA256 == d.SHA256 })
	if i < 0 && len(s.Leaves) < maxLeaves {
		s.Leaves = append(s.Leaves, Leaf{Certificate: d})
	}
	if i < 0 {
		i = len(s.Leaves) - 1
	}
	leaf := &s.Leaves[i]
	if w.last != i {
		leaf.Since = a.At
	}
	w.last = i
	leaf.Answers++
	leaf.Last, leaf.Number = a.At, s.Sent
	return i
}

// slice is the part of the time that a moment is in.
func (w *Watch) slice(at time.Time) *Slice {
	s := &w.seen
	i := max(0, int(at.Sub(s.From)/s.Width))
	for i >= maxSlices {
		s.Slices, s.Width = halved(s.Slices), 2*s.Width
		i = int(at.Sub(s.From) / s.Width)
	}
	for len(s.Slices) <= i {
		s.Slices = append(s.Slices, Slice{})
	}
	return &s.Slices[i]
}

func halved(list []Slice) []Slice {
	var half []Slice
	for i, one := range list {
		if i%2 == 0 {
			half = append(half, Slice{})
		}
		sum := &half[len(half)-1]
		sum.Failed += one.Failed
		for leaf, n := range one.Good {
			for len(sum.Good) <= leaf {
				sum.Good = append(sum.Good, 0)
			}
			sum.Good[leaf] += n
		}
	}
	return half
}

// Seen is what was seen until now, a copy.
func (w *Watch) Seen(now time.Time) Seen {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pass(now)
	seen := w.seen
	seen.Reasons, seen.Leaves, seen.Slices = slices.Clone(seen.Reasons), slices.Clone(seen.Leaves), slices.Clone(seen.Slices)
	for i := range seen.Slices {
		seen.Slices[i].Good = slices.Clone(seen.Slices[i].Good)
	}
	return seen
}

// Now are the certificates that were served just before the end, the newest first: more than one while a gateway's instances follow a change one
// by one, none when nothing answered.
func (s Seen) Now() []Leaf {
	var list []Leaf
	for _, leaf := range s.Leaves {
		if s.Until.Sub(leaf.Last) <= lately && s.Sent-leaf.Number < latelyOfMany {
			list = append(list, leaf)
		}
	}
	slices.SortStableFunc(list, func(x, y Leaf) int { return y.Last.Compare(x.Last) })
	return list
}

// most is the highest count of a slice, for the scale.
func (s Seen) most() int {
	most := 1
	for _, slice := range s.Slices {
		sum := slice.Failed
		for _, n := range slice.Good {
			sum += n
		}
		most = int(math.Max(float64(most), float64(sum)))
	}
	return most
}
