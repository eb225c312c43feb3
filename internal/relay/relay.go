// Package relay contains the arithmetic of relaying bytes between a client and a server: which
// bytes, how fast, and until when.
//
// It does no I/O and starts no goroutine; the drivers do. They share it so that rates, counts and
// timeouts are the same in each driver.
package relay

import (
	"sync/atomic"
	"time"
)

// A Spec configures the relay of a session. Drivers only read it, so that all sessions of a server
// may share one. If Left or Peer is set, it is shared by the sessions of that server.
type Spec struct {
	Timeout    time.Duration // proxy_timeout: the relay ends if neither side reads or writes for so long; 0 disables it
	BufferSize int           // proxy_buffer_size, in bytes, one buffer for each direction
	Upload     int64         // proxy_upload_rate, from the client, in bytes per second; 0 disables the limit
	Download   int64         // proxy_download_rate, from the server, in bytes per second; 0 disables the limit
	HalfClose  bool          // proxy_half_close: the end of one side is passed on and the other direction continues
	FirstByte  bool          // the driver reports the first byte from the server, or the server's end if there is none
	Requests   int           // proxy_requests: datagrams from the client that complete a session; 0 disables the limit
	Responses  int           // proxy_responses: datagrams from the server for each from the client; negative disables the limit
	// Left is set, from any goroutine, when the server leaves its group: the next event on either
	// side ends the relay. nil disables the check.
	Left *atomic.Bool
	// Peer counts the bytes exchanged with the session's server during the relay. nil counts none.
	Peer *Counters
	// Follower is given what the driver reads from the server. If it is set, the Spec belongs to one session.
	Follower Follower
}

// A Follower follows the bytes from a server on their way to the client. One goroutine or loop uses it at
// a time.
type Follower interface {
	// Follow is called with the next n bytes before they are written to the client. b contains them, until
	// Follow returns, or is nil if they are moved within the kernel.
	Follow(n int, b []byte)
}

// Dropped reports whether the server was removed from its group. A driver checks it at each event.
func (s *Spec) Dropped() bool { return s.Left != nil && s.Left.Load() }

// A Result contains the counters of a relay, and finally the reason for its end.
//
// Each counter has one writer at a time. If a driver has a goroutine for each direction, the one
// that reads from the client writes FromClient and ToUpstream, the other FromUpstream and ToClient.
// Any goroutine may Load them at any time. The driver writes End once, before it reports the
// relay's end; it must not be read earlier.
//
// A Result must not be copied; assigning Result{} to one that is not shared clears it.
type Result struct {
	FromClient   atomic.Int64 // bytes read from the client while relaying: nginx's s->received
	ToClient     atomic.Int64 // bytes that the client's socket has accepted
	FromUpstream atomic.Int64 // bytes read from the server
	ToUpstream   atomic.Int64 // bytes that the server's socket has accepted, including the PROXY header
	End          End
}

// End is the reason for the end of a relay. The zero End means that it has not ended.
type End uint8

// The reasons. They end a session with status 200, as in nginx, except a Timeout while answers to
// datagrams are missing. An error on an established connection is logged where it happens and then
// treated as the end of that side.
const (
	ClientEOF     End = iota + 1 // the client ended, and all its data is written
	UpstreamEOF                  // the server ended, and all its data is written
	Timeout                      // Spec.Timeout passed without a read or a write
	Done                         // datagrams: the requested number of answers has arrived
	Shutdown                     // datagrams: the socket that the session shares with others no longer belongs to this process
	ClientError                  // the client's connection failed
	UpstreamError                // the server's connection failed
	Aborted                      // the session was ended from outside
	Dropped                      // the server was removed from its group: Spec.Left
)

// String is for tests and debugging; the session logs nginx's sentences.
func (e End) String() string {
	switch e {
	case ClientEOF:
		return "client EOF"
	case UpstreamEOF:
		return "upstream EOF"
	case Timeout:
		return "timeout"
	case ClientError:
		return "client error"
	case UpstreamError:
		return "upstream error"
	case Done:
		return "done"
	case Shutdown:
		return "shutdown"
	case Aborted:
		return "aborted"
	case Dropped:
		return "dropped"
	}
	return "running"
}
