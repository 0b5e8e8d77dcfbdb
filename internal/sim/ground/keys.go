package ground

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"sync"
)

// Keys makes the RSA keys (2048 bits) of a world. Making one takes a tenth of
// a second and a world has ten of them, so a world that ends leaves its keys
// to the next one of the same process. Within a world each key is another.
type Keys struct {
	mu    sync.Mutex
	taken []*rsa.PrivateKey
}

// spare is what ended worlds left. It is the only state that outlives a world:
// keys of worlds are worth nothing outside, and their certificates are made anew.
var spare struct {
	sync.Mutex
	keys []*rsa.PrivateKey
	more func() *rsa.PrivateKey
}

// KeysFrom has worlds take keys from there before they make any: making them is
// most of what small worlds cost. It gives each key once, and nil when it has no
// more.
func KeysFrom(more func() *rsa.PrivateKey) {
	spare.Lock()
	defer spare.Unlock()
	spare.more = more
}

// RSA takes a key that no world which runs has.
func (k *Keys) RSA() (*rsa.PrivateKey, error) {
	key, err := leftOver(), error(nil)
	if key == nil {
		if key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			return nil, fmt.Errorf("make a key: %w", err)
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.taken = append(k.taken, key)
	return key, nil
}

func leftOver() *rsa.PrivateKey {
	spare.Lock()
	defer spare.Unlock()
	if len(spare.keys) == 0 {
		if spare.more == nil {
			return nil
		}
		return spare.more()
	}
	key := spare.keys[0]
	spare.keys = spare.keys[1:]
	return key
}

// Leave leaves all keys to worlds to come. The world must have ended.
func (k *Keys) Leave() {
	k.mu.Lock()
	defer k.mu.Unlock()
	spare.Lock()
	defer spare.Unlock()
	spare.keys = append(spare.keys, k.taken...)
	k.taken = nil
}
