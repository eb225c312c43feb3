package tlsconf

import (
	"crypto/tls"
	"errors"
	"testing"
	"time"
)

// TestCertificateCache checks which of the uses read the files again.
func TestCertificateCache(t *testing.T) {
	c := NewCertificateCache(CacheLimits{Max: 2, Valid: time.Minute, Inactive: 10 * time.Second})
	now := time.Now()
	for i, step := range []struct {
		wait  time.Duration
		name  string
		loads bool
	}{
		{0, "a", true},
		{0, "a", false},
		{9 * time.Second, "a", false},
		{0, "b", true},
		{11 * time.Second, "a", true}, // inactive
		{0, "b", true},
		{0, "a", false},
		{0, "c", true}, // in the place of b, which was used before a
		{0, "a", false},
		{0, "b", true},
		{8 * time.Second, "a", false}, {8 * time.Second, "a", false}, {8 * time.Second, "a", false}, {8 * time.Second, "a", false},
		{8 * time.Second, "a", false}, {8 * time.Second, "a", false}, {8 * time.Second, "a", false},
		{8 * time.Second, "a", true}, // not valid any more
	} {
		now = now.Add(step.wait)
		loaded := false
		got, err := c.Certificate(step.name, "key", now, func() (tls.Certificate, error) {
			loaded = true
			return tls.Certificate{OCSPStaple: []byte(step.name)}, nil
		})
		if err != nil || loaded != step.loads || string(got.OCSPStaple) != step.name {
			t.Errorf("step %d: got %s, %v, loaded %v", i, got.OCSPStaple, err, loaded)
		}
	}
}

func TestCertificateCacheKeys(t *testing.T) {
	c := NewCertificateCache(CacheLimits{Max: 9, Valid: time.Minute, Inactive: time.Minute})
	loads := 0
	load := func() (tls.Certificate, error) { loads++; return tls.Certificate{}, nil }
	for range 2 {
		_, _ = c.Certificate("a", "bc", time.Time{}, load)
		_, _ = c.Certificate("ab", "c", time.Time{}, load)
	}
	if loads != 2 {
		t.Errorf("loaded %d times", loads)
	}
}

// TestNoCertificateCache checks that nothing is kept without a cache, and no error with one.
func TestNoCertificateCache(t *testing.T) {
	for _, c := range []*CertificateCache{nil, NewCertificateCache(CacheLimits{Max: 1, Valid: time.Hour, Inactive: time.Hour})} {
		failure := errors.New("failure")
		for range 2 {
			loaded := false
			_, err := c.Certificate("a", "b", time.Now(), func() (tls.Certificate, error) {
				loaded = true
				return tls.Certificate{}, failure
			})
			if !errors.Is(err, failure) || !loaded {
				t.Errorf("got %v, loaded %v", err, loaded)
			}
		}
	}
}
