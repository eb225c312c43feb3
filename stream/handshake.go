package stream

import "context"

// sessionKey is the key of the session in a handshake's context.
type sessionKey struct{}

// WithSession returns the context of a handshake of s. The callbacks of the handshake run while its
// driver holds s.
func WithSession(ctx context.Context, s *Session) context.Context {
	return context.WithValue(ctx, sessionKey{}, s)
}

// SessionOf returns the session whose handshake has that context, or nil. The callbacks of a
// tls.Config use it.
func SessionOf(ctx context.Context) *Session {
	s, _ := ctx.Value(sessionKey{}).(*Session)
	return s
}
