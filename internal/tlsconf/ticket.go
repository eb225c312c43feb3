package tlsconf

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io/fs"
	"sync"
	"time"
)

// A TicketKey encrypts session tickets. Its name is in each ticket.
type TicketKey struct {
	name   [ticketNameSize]byte
	secret []byte
}

// TicketKey loads a key of ssl_session_ticket_key: 48 bytes, or 80 for one with twice the strength,
// of which the first 16 are its name. Tickets of nginx cannot be read with it, since OpenSSL stores
// sessions in another form. Follows ngx_ssl_session_ticket_keys.
func (f Files) TicketKey(path string) (TicketKey, error) {
	b, err := f.Read(path)
	var call *fs.PathError
	switch {
	case err != nil && errors.As(err, &call) && call.Op == "read": // a directory has another size
	case err != nil:
		return TicketKey{}, placed("open() \"%s\" failed (%s)", path, systemError(err))
	}
	if len(b) != 48 && len(b) != 80 {
		return TicketKey{}, placed("\"%s\" must be 48 or 80 bytes", path)
	}
	return newTicketKey(b), nil
}

// Sizes of the parts of a ticket.
const (
	ticketNameSize = 16
	ticketSeedSize = 16
	ticketTimeSize = 8
)

func newTicketKey(b []byte) TicketKey {
	return TicketKey{name: [ticketNameSize]byte(b), secret: append([]byte(nil), b[ticketNameSize:]...)}
}

// TicketKeys chooses the key for a ticket. Implementations are safe for concurrent use.
type TicketKeys interface {
	// Current returns the key for a new ticket.
	Current(now time.Time) TicketKey
	// Named returns the key of a ticket, and false if there is none, or none any more.
	Named(name [16]byte, now time.Time) (TicketKey, bool)
}

// FixedKeys are the keys of ssl_session_ticket_key: the first one encrypts, all decrypt.
type FixedKeys []TicketKey

// Current returns the first key.
func (k FixedKeys) Current(time.Time) TicketKey { return k[0] }

// Named returns the key with a name.
func (k FixedKeys) Named(name [16]byte, _ time.Time) (TicketKey, bool) {
	for _, key := range k {
		if key.name == name {
			return key, true
		}
	}
	return TicketKey{}, false
}

// RandomKeys makes keys of its own, each of which encrypts for a period and decrypts for one more.
type RandomKeys struct {
	period time.Duration

	mu       sync.Mutex
	since    time.Time
	current  TicketKey
	previous TicketKey
}

// NewRandomKeys returns keys for tickets that are valid for at most a period.
func NewRandomKeys(period time.Duration) *RandomKeys { return &RandomKeys{period: period} }

// Current returns the key of the present period.
func (k *RandomKeys) Current(now time.Time) TicketKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.rotate(now)
	return k.current
}

// Named returns the key of the present or the previous period.
func (k *RandomKeys) Named(name [16]byte, now time.Time) (TicketKey, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.rotate(now)
	for _, key := range []TicketKey{k.current, k.previous} {
		if key.name == name && key.secret != nil {
			return key, true
		}
	}
	return TicketKey{}, false
}

// rotate starts a new period if the present one has ended. A clock that has been set back starts one too.
func (k *RandomKeys) rotate(now time.Time) {
	age := now.Sub(k.since)
	if k.current.secret != nil && age >= 0 && age < k.period {
		return
	}
	k.previous = k.current
	if age >= 2*k.period {
		k.previous = TicketKey{}
	}
	var b [80]byte
	_, _ = rand.Read(b[:]) // never fails
	k.current, k.since = newTicketKey(b[:]), now
}

// A ticketBox seals the sessions of one server. A ticket of a server with another identity, or with
// other verification settings, does not open.
type ticketBox struct {
	keys     TicketKeys
	identity [sha256.Size]byte
	timeout  time.Duration
	now      func() time.Time
}

// wrap is the WrapSession of a tls.Config. A ticket has the name of its key, a random seed, from which
// a key for this ticket is derived, and the encrypted time and session.
func (b *ticketBox) wrap(_ tls.ConnectionState, s *tls.SessionState) ([]byte, error) {
	session, err := s.Bytes()
	if err != nil {
		return nil, err
	}
	key := b.keys.Current(b.now())
	ticket := append(make([]byte, 0, ticketNameSize+ticketSeedSize+ticketTimeSize+len(session)+16), key.name[:]...)
	ticket = append(ticket, make([]byte, ticketSeedSize)...)
	seed := ticket[ticketNameSize:]
	_, _ = rand.Read(seed) // never fails
	plain := append(append([]byte(nil), createdAt(session)...), session...)
	aead, err := key.aead(seed)
	if err != nil {
		return nil, err
	}
	return aead.Seal(ticket, make([]byte, aead.NonceSize()), plain, b.identity[:]), nil
}

// createdAt returns the time of the full handshake in an encoded session, which a ticket of TLS 1.2 for a
// resumed session repeats, so that the session ends. Its place is that in the documentation of
// tls.SessionState.
func createdAt(session []byte) []byte { return session[5 : 5+ticketTimeSize] }

// unwrap is the UnwrapSession of a tls.Config. It returns nil for a full handshake.
func (b *ticketBox) unwrap(ticket []byte, _ tls.ConnectionState) (*tls.SessionState, error) {
	if len(ticket) < ticketNameSize+ticketSeedSize {
		return nil, nil
	}
	now := b.now()
	key, known := b.keys.Named([ticketNameSize]byte(ticket), now)
	if !known {
		return nil, nil
	}
	aead, err := key.aead(ticket[ticketNameSize : ticketNameSize+ticketSeedSize])
	if err != nil {
		return nil, nil
	}
	plain, err := aead.Open(nil, make([]byte, aead.NonceSize()), ticket[ticketNameSize+ticketSeedSize:], b.identity[:])
	if err != nil || len(plain) < ticketTimeSize {
		return nil, nil
	}
	age := now.Unix() - int64(binary.BigEndian.Uint64(plain))
	if age < 0 || age > int64(b.timeout/time.Second) {
		return nil, nil
	}
	s, err := tls.ParseSessionState(plain[ticketTimeSize:])
	if err != nil {
		return nil, nil
	}
	return s, nil
}

// aead returns the cipher for one ticket. Its key is used once, so that the nonce may be zero.
func (k TicketKey) aead(seed []byte) (cipher.AEAD, error) {
	derived, err := hkdf.Key(sha256.New, k.secret, seed, "session ticket", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
