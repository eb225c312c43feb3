package stream

import (
	"crypto/tls"
	"time"

	"weir/internal/relay"
)

// EventKind is the kind of an event of a session.
type EventKind int

// The events. Each StepKind lists the events that may answer it.
const (
	Accepted      EventKind = iota + 1 // the first event: Client has the addresses, Data the first datagram of a datagram session
	Bytes                              // Data arrived from the client; lent until Advance returns
	EOF                                // the client will send no more, and all its bytes are in Head
	Connected                          // the upstream connection is up, and Out was offered to it once
	FirstByte                          // the upstream server's first byte or its end was read; requested with relay.Spec.FirstByte
	Relayed                            // the relay is over; Traffic has the result
	Failed                             // Side and Op failed with Err
	TimedOut                           // the step's Deadline has passed
	Aborted                            // the session must end now: a shutdown timeout, a drain
	Resolved                           // the step's Lookup has an answer
	HandshakeDone                      // the handshake is done; Event.TLS has its state
)

// Side names one of the two connections of a session.
type Side int

// The sides.
const (
	ClientSide Side = iota
	UpstreamSide
)

// Op is the operation that failed.
type Op int

// The operations. OpSocket, OpTransparent and OpBind are local failures and end the session with
// 500; OpConnect is a failure of the server and may be retried, and so may OpHandshake with a
// server. OpWatch, on either side and in any step, ends the session with 500 without an event to
// the content.
const (
	OpNone Op = iota
	OpSocket
	OpTransparent // to allow binding to a non-local address
	OpBind
	OpConnect
	OpRecv
	OpSend
	OpSendMsg // to send a datagram
	OpHandshake
	OpWatch // to register a socket for events
)

// String returns the system call as nginx's log names it.
func (o Op) String() string {
	switch o {
	case OpSocket:
		return "socket()"
	case OpTransparent:
		return "setsockopt()"
	case OpBind:
		return "bind()"
	case OpConnect:
		return "connect()"
	case OpRecv:
		return "recv()"
	case OpSend:
		return "send()"
	case OpSendMsg:
		return "sendmsg()"
	case OpWatch:
		return "epoll_ctl()"
	case OpHandshake:
		return "SSL_do_handshake()"
	}
	return ""
}

// An Event is a driver's report to a session.
type Event struct {
	Kind    EventKind
	Side    Side           // Failed: whose connection
	Op      Op             // Failed: the operation
	Data    []byte         // Bytes, Accepted, and FirstByte unless the data is not at hand: lent until Advance returns
	Err     error          // Failed: logged by the session in nginx's words; drivers never log
	Local   Addr           // Connected: the local address of the upstream connection
	Packets *relay.Packets // Relayed, datagrams: their counts; lent until Advance returns

	TLS *tls.ConnectionState // HandshakeDone: lent until Advance returns
}

// StepKind is the kind of a step that a session requests.
type StepKind int

// The step kinds, each with the events that answer it. Every step but Finish may also be answered
// by Aborted.
//
// During Connect, Resolve and Pause, the driver watches the client, and checks it again before each
// further attempt. It reports a broken connection as Failed with ClientSide, and the end of the
// client's input, once, as EOF. A session that answers with Keep still waits.
//
// During these steps it also reads up to Max bytes from a client if an earlier Read had to wait, or
// if its Listen is deferred: nginx then has the socket in the event loop. It reports them as Bytes,
// which a session answers with Keep, also once without any Data at the start, and writes them after
// Out.
//
// A Send after a Relay writes nothing if bytes from the server still wait for the client.
const (
	Keep              StepKind = iota // continue the current step
	Read                              // read from the client: Bytes, EOF, Failed, TimedOut
	Connect                           // close the previous connection, connect to Target: Connected, Failed, TimedOut, EOF
	Relay                             // write the rest of Out, relay in both directions: FirstByte (once, if requested), Failed (logged; continues), Relayed
	Send                              // write Out to the client: Failed (to be logged; continues), Relayed when it is written or cannot be; see below
	Finish                            // close both connections; the session must not be touched again
	Resolve                           // begin the Lookup and wait for its answer: Resolved, TimedOut, Failed, EOF
	Pause                             // close the previous connection, wait for the Deadline: TimedOut, Failed, EOF; not for datagram sessions
	HandshakeClient                   // TLS handshake as server, starting with the bytes of TakeHead: HandshakeDone, Failed, TimedOut
	HandshakeUpstream                 // TLS handshake as client, then offer Out: HandshakeDone, Failed, TimedOut
)

// A Step is a session's request to its driver. Exactly one is outstanding; the zero Step continues
// it.
type Step struct {
	Do       StepKind
	Deadline time.Time   // zero means none; its expiry is the event TimedOut
	Target   *Target     // Connect; not changed while the step is outstanding
	Max      int         // Read: maximum size of Data; Connect, Resolve, Pause: how many more bytes or datagrams are read and kept
	Out      []byte      // Connect, Send, HandshakeUpstream: bytes to write first; unchanged until the step ends, then a driver keeps a copy
	TLS      *tls.Config // HandshakeClient, HandshakeUpstream; its callbacks find the session by SessionOf, and may touch it
	Slow     bool        // HandshakeClient: callbacks read files, so that a loop should not run it
	// Prepare returns TLS for a HandshakeUpstream, which is slow: it reads files. It does not touch the
	// session. The handshake fails with its error. nil means that TLS is set.
	Prepare func() (*tls.Config, error)
	Relay   *relay.Spec // Relay; shared by all sessions of a server unless rates vary
	Lookup  Lookup      // Resolve
	Reset   bool        // Finish: bytes were read and not forwarded; nginx leaves them unread, so its client gets RST
}

// A Lookup is an asynchronous query, such as the addresses of a name. The session that created it
// reads the answer from it after the event Resolved. Until then, or until stop, only the driver
// touches it.
//
// A driver begins the Lookup of a step Resolve once. answered may be called by another goroutine or
// by Begin itself; it makes the session's own goroutine or loop advance the session with Resolved,
// if the step is still outstanding. The driver calls stop whenever it leaves the step. After an
// Aborted that the session answers with Keep, it may stop the Lookup and begin it again.
type Lookup interface {
	// Begin starts the query and returns at once. answered is called at most once, must not block,
	// and is not called after stop has returned.
	Begin(answered func()) (stop func())
}

// A Target is an address to connect to, with socket options.
type Target struct {
	Addr  Addr
	Local Addr // zero means any; with port 0 bound with IP_BIND_ADDRESS_NO_PORT
	// Transparent allows Local to be a non-local address: proxy_bind … transparent.
	Transparent bool

	KeepAlive bool // proxy_socket_keepalive
	NoDelay   bool // tcp_nodelay
	RcvBuf    int  // proxy_socket_rcvbuf; 0 uses the system's default
	SndBuf    int  // proxy_socket_sndbuf; 0 uses the system's default
}
