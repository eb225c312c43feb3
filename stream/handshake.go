package stream

import "context"

// sessionKey is where a handshake's context has the session.
type sessionKey struct{}

// WithSession returns the context of a handshake of s. Whoever does the handshake holds s whenever it calls back.
func WithSession(ctx context.Context, s *Session) context.Context {
	return context.WithValue(ctx, sessionKey{}, s)
}

// SessionOf returns the session whose handshake has that context, or nil: for the callbacks of a tls.Config.
func SessionOf(ctx context.Context) *Session {
	s, _ := ctx.Value(sessionKey{}).(*Session)
	return s
}
