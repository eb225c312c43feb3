package poll

import "sync/atomic"

// A Life is when a loop ends: at once, or after its last session. Only the loop's goroutine uses it.
type Life struct {
	mail     *Mailbox
	sessions *atomic.Int32 // of the loop
	draining bool          // it ends after its last session
	stopping bool
}

// NewLife returns the Life of a loop with that mailbox and number of sessions.
func NewLife(m *Mailbox, sessions *atomic.Int32) Life { return Life{mail: m, sessions: sessions} }

// Stopping reports whether Run is to return.
func (l *Life) Stopping() bool { return l.stopping }

// Stop makes Run return.
func (l *Life) Stop() { l.stopping = true }

// Drain makes Run return after the last session. No other loop may pass it one.
func (l *Life) Drain() {
	l.draining = true
	l.SessionEnded()
}

// Resume undoes Drain, unless Run is about to return.
func (l *Life) Resume() bool {
	if l.stopping {
		return false
	}
	l.draining = false
	return true
}

// SessionEnded ends a draining loop if the session that has ended was its last.
func (l *Life) SessionEnded() {
	if l.draining && l.sessions.Load() == 0 {
		l.mail.Shut()
		l.stopping = true
	}
}
