package entra

import (
	"crypto/rand"
	"time"
)

// most is how many things a shelf holds: what clients begin and do not finish
// must not fill the memory.
const most = 10_000

// shelf keeps things under names that nobody can guess, for a while. It has
// no lock of its own.
type shelf[T any] struct {
	life time.Duration // 0 keeps for ever
	kept map[string]shelved[T]
}

type shelved[T any] struct {
	thing T
	until time.Time
}

// put answers the name; ok is false when the shelf is full.
func (s *shelf[T]) put(thing T) (name string, ok bool) {
	if s.kept == nil {
		s.kept = map[string]shelved[T]{}
	}
	now := time.Now()
	if len(s.kept) >= most {
		for name, one := range s.kept {
			if s.life > 0 && now.After(one.until) {
				delete(s.kept, name)
			}
		}
		if len(s.kept) >= most {
			return "", false
		}
	}
	name = rand.Text() + rand.Text()
	s.kept[name] = shelved[T]{thing, now.Add(s.life)}
	return name, true
}

// get finds a thing; late tells that its time is over.
func (s *shelf[T]) get(name string) (thing T, late, ok bool) {
	one, ok := s.kept[name]
	return one.thing, ok && s.life > 0 && time.Now().After(one.until), ok
}

func (s *shelf[T]) drop(name string) { delete(s.kept, name) }
