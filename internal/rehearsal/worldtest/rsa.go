package worldtest

import (
	"crypto"
	"crypto/rsa"
	_ "embed"
	"fmt"
	"math/big"
	"strings"
	"sync"
)

// primes are 28 of 1,024 bits and eight of 1,536. Any two make a key, in a
// thousandth of the time that finding two takes, and each pair makes another
// one: enough for tests, and worth nothing anywhere else, since keys that share
// a prime give each other away.
//
//go:embed primes.txt
var primes string

// The primes of keys that worlds take, of leaves and of roots: no key of a world
// is one of a client too.
const (
	ofWorlds = 20
	ofLeaves = 8
)

// pairs makes a key of every two primes, in turn.
type pairs struct {
	mu     sync.Mutex
	primes []*big.Int
	i, j   int
	again  bool // from the first one, when all were made
}

func newPairs(from, to int, again bool) *pairs {
	p := &pairs{again: again}
	for _, line := range strings.Fields(primes)[from:to] {
		prime, ok := new(big.Int).SetString(line, 16)
		if !ok {
			panic("primes.txt: " + line)
		}
		p.primes = append(p.primes, prime)
	}
	return p
}

// next is nil when all were made.
func (p *pairs) next() *rsa.PrivateKey {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.j++; p.j >= len(p.primes) {
		p.i++
		p.j = p.i + 1
	}
	if p.j >= len(p.primes) {
		if !p.again {
			return nil
		}
		p.i, p.j = 0, 1
	}
	return keyOf(p.primes[p.i], p.primes[p.j])
}

func keyOf(p, q *big.Int) *rsa.PrivateKey {
	one, e := big.NewInt(1), big.NewInt(65537)
	order := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	key := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: int(e.Int64())},
		D:         new(big.Int).ModInverse(e, order), Primes: []*big.Int{p, q},
	}
	key.Precompute()
	return key
}

var (
	worldKeys = newPairs(0, ofWorlds, false)
	leafKeys  = newPairs(ofWorlds, ofWorlds+ofLeaves, true)
	rootKeys  = newPairs(ofWorlds+ofLeaves, len(strings.Fields(primes)), true)
)

// RSAKeys makes keys as the program does where a goal asks for them, of 2,048 and
// of 3,072 bits, and at once. Where nobody looks at them [Keys] are cheaper, since
// machines sign with them at every handshake.
func RSAKeys(bits int) (crypto.Signer, error) {
	from := map[int]*pairs{2048: leafKeys, 3072: rootKeys}[bits]
	if from == nil {
		return nil, fmt.Errorf("worldtest has no keys of %d bits", bits)
	}
	return from.next(), nil
}
