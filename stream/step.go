package stream

import (
	"crypto/tls"
	"time"

	"weir/internal/relay"
)

// EventKind says what happened to a session.
type EventKind int

// The events. Which may follow a step is written at the step's Action.
const (
	Accepted      EventKind = iota + 1 // the first event: addresses are in Client, the first datagram of a session of them in Data
	Bytes                              // Data arrived from the client; lent until Advance returns
	EOF                                // the client will send no more, and all that it has sent is in Head
	Connected                          // the upstream connection is up, and Out was offered to it once
	FirstByte                          // the upstream server's first byte was read, or its end instead; asked for with relay.Spec.FirstByte
	Relayed                            // the relay is over; Traffic says how
	Failed                             // Side and Op failed with Err
	TimedOut                           // the step's Deadline has passed
	Aborted                            // the session must end now: a shutdown time-out, a drain
	Resolved                           // the step's Lookup has its answer
	HandshakeDone                      // the handshake is done, and TLS says how
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

// The operations. OpSocket, OpTransparent and OpBind are our fault and end the session with 500; OpConnect is the server's and may be
// retried, and so may OpHandshake with a server. OpWatch, of either side and at any step, ends the session with 500, which the content does
// not hear of.
const (
	OpNone Op = iota
	OpSocket
	OpTransparent // to bind to an address that is not ours
	OpBind
	OpConnect
	OpRecv
	OpSend
	OpSendMsg // of a datagram
	OpHandshake
	OpWatch // to be told of what happens to a socket
)

// String is the system call as nginx's log names it.
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

// An Event is what a driver tells a session.
type Event struct {
	Kind    EventKind
	Side    Side           // Failed: whose connection
	Op      Op             // Failed: what was tried
	Data    []byte         // Bytes, Accepted: lent until Advance returns
	Err     error          // Failed: logged by the session in nginx's words; drivers never log
	Local   Addr           // Connected: our end of the upstream connection
	Packets *relay.Packets // Relayed, of datagrams: how many there were; lent until Advance returns

	TLS *tls.ConnectionState // Shaken: the session's from here on
}

// StepKind is what a session needs next.
type StepKind int

// The actions, each with the events that answer it. Every step but Finish may also be answered by Aborted.
//
// While Connect, Resolve and Pause wait, the driver watches the client, and looks at it again before each further attempt. It reports a broken
// connection as Failed with ClientSide, and the end of the client's input, once, as EOF. A session that answers with Keep still waits.
//
// Meanwhile it reads up to Max bytes of a client for which an earlier Read had to wait, or whose Listen is deferred: nginx has its socket
// in the event loop then. It reports them as Bytes, which a session answers with Keep, once also without any Data when it begins, and
// writes them after Out.
const (
	Keep              StepKind = iota // go on with the outstanding step, as it was
	Read                              // read from the client: Bytes, EOF, Failed, TimedOut
	Connect                           // close what was connected before, connect to Target: Connected, Failed, TimedOut, EOF
	Relay                             // carry bytes both ways, what Out left over first: FirstByte (once, if asked for), Failed (logged; goes on), Relayed
	Send                              // write Out to the client: Failed (to be logged; goes on), Relayed when it is out or can not be
	Finish                            // close both connections; the session must not be touched again
	Resolve                           // begin the Lookup and wait for its answer: Resolved, TimedOut, Failed, EOF
	Pause                             // close what was connected before, wait for the Deadline: TimedOut, Failed, EOF; not for sessions of datagrams
	HandshakeClient                   // be the server in a TLS handshake that begins with what was read (TakeHead): Shaken, Failed, TimedOut
	HandshakeUpstream                 // be the client in one, and offer Out once it is done: Shaken, Failed, TimedOut
)

// A Step is what a session needs next. Exactly one is outstanding; the zero Step means: go on with it.
type Step struct {
	Do       StepKind
	Deadline time.Time   // zero: none; its passing is the event TimedOut
	Target   *Target     // Connect; not changed while the step is outstanding
	Max      int         // Read: how many bytes Data may hold at most; Connect, Resolve, Pause: how many more bytes or datagrams are read and kept
	Out      []byte      // Connect, Send, ShakeUpstream: what to write first; unchanged until the step ends, then a driver keeps a copy
	TLS      *tls.Config // ShakeClient, ShakeUpstream; its callbacks find the session by SessionOf, and may touch it
	Relay    *relay.Spec // Relay; shared by all sessions of a server unless rates vary
	Lookup   Lookup      // Resolve
	Reset    bool        // Finish: bytes were read and never passed on; nginx had them unread, so its client sees RST
}

// A Lookup is a question whose answer takes time, such as the addresses of a name. The session that has made it reads the answer from
// it, once it is told Resolved. Until then, or until stop, only the driver touches it.
//
// A driver begins the Lookup of a step Resolve once. From answered, which another goroutine or Begin itself calls, it has the session's
// own goroutine or loop advance it with Resolved, if the step is still outstanding. It calls stop when it leaves the step, however that
// is. After an Aborted that the session answers with Keep it may stop the Lookup and begin it anew.
type Lookup interface {
	// Begin asks, and returns at once. answered is called once at most, must not block, and is not called once stop has returned.
	Begin(answered func()) (stop func())
}

// A Target is where and how to connect.
type Target struct {
	Addr  Addr
	Local Addr // zero: any. Bound with IP_BIND_ADDRESS_NO_PORT when its port is 0
	// Transparent lets Local be an address that is not this machine's: proxy_bind … transparent.
	Transparent bool

	KeepAlive bool // proxy_socket_keepalive
	NoDelay   bool // tcp_nodelay
	RcvBuf    int  // proxy_socket_rcvbuf; 0: the system's
	SndBuf    int  // proxy_socket_sndbuf; 0: the system's
}
