package errorlog

import (
	"errors"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// SyslogConf is the destination of a Syslog and the fields of its message headers.
//
// See https://nginx.org/en/docs/syslog.html.
type SyslogConf struct {
	Network  string // "udp" or "unixgram"
	Address  string // for net.Dial; literal, so that dialling needs no lookup
	Name     string // of the server, as messages show it
	Facility int    // 0 to 23
	Hostname string // empty omits it
	Tag      string
}

// A Syslog sends lines to a syslog server, each in one datagram by RFC 3164. It connects when it
// first has something to send, and again after each failure. It never blocks: a line that the
// system does not accept at once is lost. It is safe for concurrent use.
type Syslog struct {
	SyslogConf
	now    func() time.Time
	report atomic.Pointer[Log]
	busy   atomic.Bool // a failure is being reported

	mu     sync.Mutex // guards the following fields
	said   string     // the last report
	saidAt time.Time
	unsaid int // lines lost since then

	link    atomic.Pointer[link]
	dialing sync.Mutex
}

// A link is a connection with the state needed to send on it without blocking.
type link struct {
	net.Conn
	raw syscall.RawConn
}

// NewSyslog returns a Syslog that adds the time of now to its datagrams.
func NewSyslog(conf SyslogConf, now func() time.Time) *Syslog {
	return &Syslog{SyslogConf: conf, now: now}
}

// ReportTo sets the log that reports why sending fails. l may send to this Syslog too.
func (s *Syslog) ReportTo(l *Log) { s.report.Store(l) }

// WriteLine sends line, without its newline, with the severity of level.
func (s *Syslog) WriteLine(level Level, line []byte) {
	room := packets.Get().(*[maxPacket]byte)
	defer packets.Put(room)
	s.Send(append(s.AppendHeader(room[:0], level), line[:len(line)-1]...))
}

// maxPacket is the length of a line after the longest header: a host name has at most 255 bytes, a
// tag 32.
const maxPacket = maxLine + 320

// packets contains the buffers in which datagrams are composed.
var packets = sync.Pool{New: func() any { return &[maxPacket]byte{} }}

// AppendHeader appends the header of a message: "<190>Nov 22 20:29:03 HOST TAG: ".
func (s *Syslog) AppendHeader(b []byte, level Level) []byte {
	b = append(b, '<')
	b = strconv.AppendInt(b, int64(s.Facility*8+int(level)-1), 10)
	b = append(b, '>')
	b = s.now().AppendFormat(b, time.Stamp)
	b = append(b, ' ')
	if s.Hostname != "" {
		b = append(append(b, s.Hostname...), ' ')
	}
	return append(append(b, s.Tag...), ": "...)
}

// Send sends one datagram, which begins with the output of AppendHeader, and reports whether the
// system accepted it.
func (s *Syslog) Send(packet []byte) bool {
	l, err := s.connect()
	if err != nil {
		s.failed(Alert, "connect() failed", err)
		return false
	}
	err = l.send(packet)
	switch {
	case err == nil:
		return true
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.EMSGSIZE):
		s.failed(Error, "send() failed", err)
	default:
		s.drop(l)
		s.failed(Error, "send() failed", err)
	}
	return false
}

// connect returns the link, connecting if there is none.
func (s *Syslog) connect() (*link, error) {
	if l := s.link.Load(); l != nil {
		return l, nil
	}
	s.dialing.Lock()
	defer s.dialing.Unlock()
	if l := s.link.Load(); l != nil {
		return l, nil
	}
	l, err := dial(s.Network, s.Address)
	if err != nil {
		return nil, err
	}
	s.link.Store(l)
	return l, nil
}

func dial(network, address string) (*link, error) {
	conn, err := net.Dial(network, address)
	if err != nil {
		return nil, err
	}
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		conn.Close()
		return nil, err
	}
	return &link{conn, raw}, nil
}

func (s *Syslog) drop(l *link) {
	if s.link.CompareAndSwap(l, nil) {
		l.Close()
	}
}

// failed logs why a line is lost. The same report is made at most once a minute, with the number of
// lines lost since the previous one. A failure that the report itself causes is not reported.
func (s *Syslog) failed(level Level, msg string, err error) {
	log := s.report.Load()
	if !log.Enabled(level) || !s.busy.CompareAndSwap(false, true) {
		return
	}
	defer s.busy.Store(false)
	if text, due := s.due(msg + Errno(err) + " while logging to syslog, server: " + s.Name); due {
		log.Write(level, 0, text)
	}
}

// reportEvery is the time between two equal reports.
const reportEvery = time.Minute

// due counts a lost line. It returns the report to log, if any.
func (s *Syslog) due(text string) (report string, due bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unsaid++
	now := s.now()
	if text == s.said && now.Sub(s.saidAt) < reportEvery {
		return "", false
	}
	report = text
	if s.unsaid > 1 {
		report += ", lines lost: " + strconv.Itoa(s.unsaid)
	}
	s.said, s.saidAt, s.unsaid = text, now, 0
	return report, true
}

// Close closes the connection. A later line connects again.
func (s *Syslog) Close() {
	if l := s.link.Load(); l != nil {
		s.drop(l)
	}
}

// send writes packet without waiting until the socket accepts it, unlike Write.
func (l *link) send(packet []byte) error {
	s := senders.Get().(*sender)
	defer senders.Put(s)
	s.packet, s.err = packet, nil
	if err := l.raw.Write(s.try); err != nil {
		return err
	}
	return s.err
}

// A sender is one attempt to send; it and its closure are reused, so that sending does not
// allocate.
type sender struct {
	packet []byte
	err    error
	try    func(fd uintptr) bool
}

var senders = sync.Pool{New: func() any {
	s := &sender{}
	s.try = func(fd uintptr) bool {
		_, s.err = syscall.Write(int(fd), s.packet)
		return true
	}
	return s
}}
