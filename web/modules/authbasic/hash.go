package authbasic

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"strings"
	"sync"

	"github.com/tg123/go-htpasswd"
)

const (
	// maxChecks is the number of hashes that are computed at a time: some are made to be slow.
	maxChecks = 2
	// maxKnown is the number of passwords that a Cache remembers.
	maxKnown = 64
)

// A Cache checks passwords, and remembers some of those that were right, so that a client that asks each second
// does not compute its hash each time. It is safe for concurrent use.
type Cache struct {
	turns chan struct{}
	key   [32]byte

	mu    sync.Mutex
	known map[[sha256.Size]byte]bool
}

// NewCache returns an empty Cache.
func NewCache() *Cache {
	c := &Cache{turns: make(chan struct{}, maxChecks), known: map[[sha256.Size]byte]bool{}}
	rand.Read(c.key[:])
	return c
}

// errUnsupported is the reason why a hash matches no password.
var errUnsupported = errors.New("the hash of the password is not supported")

// matches reports whether a password has the hash. The error is errUnsupported.
func (c *Cache) matches(hash, password string) (bool, error) {
	if plain, ok := strings.CutPrefix(hash, "{PLAIN}"); ok {
		return subtle.ConstantTimeCompare([]byte(plain), []byte(password)) == 1, nil
	}
	id := c.id(hash, password)
	if c.isKnown(id) {
		return true, nil
	}
	c.turns <- struct{}{}
	defer func() { <-c.turns }()
	ok, err := compare(hash, password)
	if ok {
		c.remember(id)
	}
	return ok, err
}

// id returns a value that only the hash and the password have, and that does not reveal them.
func (c *Cache) id(hash, password string) (id [sha256.Size]byte) {
	h := hmac.New(sha256.New, c.key[:])
	h.Write([]byte(hash))
	h.Write([]byte{0})
	h.Write([]byte(password))
	h.Sum(id[:0])
	return id
}

func (c *Cache) isKnown(id [sha256.Size]byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known[id]
}

func (c *Cache) remember(id [sha256.Size]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) >= maxKnown {
		clear(c.known)
	}
	c.known[id] = true
}

// kinds are the hashes that are supported.
var kinds = []htpasswd.PasswdParser{htpasswd.AcceptMd5, htpasswd.AcceptSha, htpasswd.AcceptSsha, htpasswd.AcceptBcrypt, htpasswd.AcceptCryptSha}

// compare computes the hash of a password. A hash that the library cannot read, and for which it panics, is not
// supported.
func compare(hash, password string) (ok bool, err error) {
	defer func() {
		if recover() != nil {
			ok, err = false, errUnsupported
		}
	}()
	for _, accept := range kinds {
		if kind, err := accept(hash); err == nil && kind != nil {
			return kind.MatchesPassword(password), nil
		}
	}
	return false, errUnsupported
}
