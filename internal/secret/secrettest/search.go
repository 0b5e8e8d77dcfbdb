package secrettest

import (
	"encoding/binary"
	"strings"
)

// Search looks for secrets in whatever spelling, thousands of them in a hundred
// megabytes: one walk over a text asks only for those that begin with the eight
// bytes at hand.
type Search struct {
	spellings map[uint64][]spelling
	// may has a bit for each beginning, by its hash: nearly all bytes of a text
	// need no look at the map.
	may [1 << 14]uint64
}

type spelling struct{ text, name string }

// NewSearch takes the names of secrets by their values, which have eight bytes at
// least: what is shorter is found by chance.
func NewSearch(secrets map[string]string) *Search {
	s := &Search{spellings: map[uint64][]spelling{}}
	for value, name := range secrets {
		for _, text := range Spellings(value) {
			beginning := binary.LittleEndian.Uint64([]byte(text))
			s.spellings[beginning] = append(s.spellings[beginning], spelling{text, name})
			word, bit := place(beginning)
			s.may[word] |= bit
		}
	}
	return s
}

// place is where a beginning has its bit: the upper twenty of a product that
// depend on all of it.
func place(beginning uint64) (word, bit uint64) {
	hash := beginning * 0x9e3779b97f4a7c15 >> 44
	return hash >> 6, 1 << (hash & 63)
}

// In tells the name of each secret that is in text, as often as it is there.
func (s *Search) In(text string, found func(name string)) {
	var beginning uint64
	for i := range len(text) {
		beginning = beginning>>8 | uint64(text[i])<<56
		if word, bit := place(beginning); s.may[word]&bit == 0 {
			continue
		}
		for _, spelling := range s.spellings[beginning] {
			if i >= 7 && strings.HasPrefix(text[i-7:], spelling.text) {
				found(spelling.name)
			}
		}
	}
}
