package ssl

import (
	"context"
	"crypto/x509"
	"sync/atomic"
	"time"

	"weir/internal/certstatus"
	"weir/stream"
)

// A Staple is the OCSP response for a certificate of a server: ssl_stapling without a file. Handshakes
// read it without locks while Run replaces it. Its exported fields do not change after Open.
type Staple struct {
	Server    string // identifies the server in the configuration
	File      string // the name of the certificate
	Question  certstatus.Question
	Responder *certstatus.Responder
	Names     Names

	env     *stream.Env
	client  *certstatus.Client
	current atomic.Pointer[response] // nil before the first
}

// A response is what one question to the responder has led to.
type response struct {
	der     []byte    // nil if there is none
	until   time.Time // zero if it does not expire
	refresh time.Time // when to ask again
}

const (
	// soonest and latest limit the time until the responder is asked again.
	soonest = 5 * time.Minute
	latest  = time.Hour
)

// Key implements stream.Part.
func (s *Staple) Key() string { return "ssl_stapling " + s.Server + " " + s.File }

// Open takes the response of old if it is for the same certificate, and was accepted under the same
// conditions.
func (s *Staple) Open(_ context.Context, env *stream.Env, old stream.Part) error {
	s.env, s.client = env, s.Names.client(env)
	if before, ok := old.(*Staple); ok && before.asksTheSame(s) {
		s.current.Store(before.current.Load())
	}
	return nil
}

func (s *Staple) asksTheSame(other *Staple) bool {
	a, b := &s.Question, &other.Question
	if !a.Certificate.Equal(b.Certificate) || !a.Issuer.Equal(b.Issuer) || (a.Trust.Store == nil) != (b.Trust.Store == nil) {
		return false
	}
	return a.Trust.Store == nil || a.Trust.Store.Identity() == b.Trust.Store.Identity()
}

// Close does nothing: Run has ended.
func (s *Staple) Close() error { return nil }

// Run asks the responder from time to time, until ctx ends. nginx asks when a client requests a
// response.
func (s *Staple) Run(ctx context.Context) {
	timer := time.NewTimer(s.wait())
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			s.update(ctx)
			timer.Reset(s.wait())
		}
	}
}

// wait returns the time until the responder is to be asked.
func (s *Staple) wait() time.Duration {
	known := s.current.Load()
	if known == nil {
		return 0
	}
	return min(known.refresh.Sub(s.env.Now()), latest)
}

// update asks the responder. It follows ngx_ssl_stapling_ocsp_handler.
func (s *Staple) update(ctx context.Context) {
	answer, problems, err := s.client.Ask(ctx, s.Responder, &s.Question)
	if ctx.Err() != nil {
		return
	}
	now := s.env.Now()
	for _, p := range problems {
		s.env.Log.Write(levelOf(p), 0, p.Text+", certificate: \""+s.File+"\"")
	}
	if err != nil {
		s.keep(now.Add(soonest))
		return
	}
	refresh := now.Add(latest)
	if before := answer.Until.Add(-soonest); !answer.Until.IsZero() && before.Before(refresh) {
		refresh = before
	}
	if refresh.Before(now.Add(soonest)) {
		refresh = now.Add(soonest)
	}
	s.current.Store(&response{answer.Raw, answer.Until, refresh})
}

// keep keeps the present response until the time to ask again.
func (s *Staple) keep(refresh time.Time) {
	next := &response{}
	if known := s.current.Load(); known != nil {
		*next = *known
	}
	next.refresh = refresh
	s.current.Store(next)
}

// response returns the response to send, or nil. It follows ngx_ssl_certificate_status_callback.
func (s *Staple) response() []byte {
	known := s.current.Load()
	if known == nil || !known.until.IsZero() && known.until.Before(s.env.Now()) {
		return nil
	}
	return known.der
}

// Staples are those of the certificates of a server.
type Staples []*Staple

// Response returns the response to send with a certificate, or nil.
func (all Staples) Response(leaf *x509.Certificate) []byte {
	for _, s := range all {
		if s.Question.Certificate == leaf {
			return s.response()
		}
	}
	return nil
}
