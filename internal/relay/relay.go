// Package relay is the arithmetic of carrying bytes between a client and a server: what to carry, how fast, and until when.
//
// It does no I/O and starts no goroutine; the drivers do. They share it so that rates, counts and time-outs come out alike
// whichever of them carries a session.
package relay

import (
	"sync/atomic"
	"time"
)

// A Spec says how a session is to be relayed. Drivers only read it, so that all sessions of a server may share one.
type Spec struct {
	Timeout    time.Duration // proxy_timeout: no read and no write on either side for so long ends the relay; 0: never
	BufferSize int           // proxy_buffer_size, in bytes, one buffer for each direction
	Upload     int64         // proxy_upload_rate, from the client, in bytes per second; 0: no limit
	Download   int64         // proxy_download_rate, from the server, likewise
	HalfClose  bool          // proxy_half_close: one side's end is passed on and the other direction goes on
	FirstByte  bool          // the driver reports the first byte that comes from the server, or its end if none does
	Requests   int           // proxy_requests: datagrams from the client that make a session; 0: no limit
	Responses  int           // proxy_responses: datagrams from the server for each from the client; negative: no limit
	// Left is set, by anybody, once the server has left its group: the next event on either side ends the relay. nil: nothing of the kind.
	Left *atomic.Bool
}

// Dropped reports whether the server has left. A driver asks at each event.
func (s *Spec) Dropped() bool { return s.Left != nil && s.Left.Load() }

// A Result counts what a relay has carried, and at the end says why it ended.
//
// Each count has one writer at a time. Where a driver has a goroutine for each direction, the one that reads from the client
// writes FromClient and ToUpstream, the other FromUpstream and ToClient. Anybody may Load them at any time. End is written
// once, by the driver, before it reports the relay's end; nobody reads it earlier.
//
// A Result must not be copied; assigning Result{} to one that nobody shares clears it.
type Result struct {
	FromClient   atomic.Int64 // bytes read from the client while relaying: nginx's s->received
	ToClient     atomic.Int64 // bytes the client's socket has taken
	FromUpstream atomic.Int64 // bytes read from the server
	ToUpstream   atomic.Int64 // bytes the server's socket has taken, the PROXY header among them
	End          End
}

// End says why a relay ended. The zero End means that it has not.
type End uint8

// The reasons. They end a session with status 200, as in nginx, but for a Timeout while answers to datagrams are missing; an error on a connection that is up is logged
// where it happens and then treated as that side's end.
const (
	ClientEOF     End = iota + 1 // the client ended, and what it had sent is written out
	UpstreamEOF                  // the server did
	Timeout                      // Spec.Timeout passed without a read or a write
	Done                         // of datagrams: as many answers have come as were asked for
	Shutdown                     // of datagrams: the socket that the session shares with others is not ours any more
	ClientError                  // the client's connection failed
	UpstreamError                // the server's did
	Aborted                      // somebody else ended the session
	Dropped                      // the server has left its group: Spec.Left
)

// String is for tests and debugging; the log has nginx's sentences, which the session writes.
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
