package pass_test

import (
	"errors"
	"net/netip"
	"slices"
	"testing"

	"weir/stream"
	"weir/stream/driver/drivertest"
	"weir/stream/modules/pass"
	"weir/stream/modules/reply"
	"weir/stream/offline"
)

// site is a configuration of loopback addresses; the first has port 1.
type site struct{ *stream.Config }

func newSite() site { return site{stream.NewConfig()} }

// add adds an address with one server.
func (w site) add(addr string, content stream.Content) *stream.Listen {
	l := &stream.Listen{
		Config: w.Config, Addr: stream.Addr{IP: netip.MustParseAddrPort(addr)}, Default: &stream.Server{Content: content},
	}
	w.Listens = append(w.Listens, l)
	return l
}

func (w site) template(t *testing.T, text string) *stream.Template {
	t.Helper()
	tpl, err := stream.ParseTemplate(text, w.Vars)
	if err != nil {
		t.Fatal(err)
	}
	return &tpl
}

// session returns a session of the first address. All servers use its log.
func (w site) session(t *testing.T) *offline.Session {
	t.Helper()
	w.Vars.Resolve()
	s := offline.NewSession(t, w.Listens[0])
	for _, l := range w.Listens {
		l.Default.Settings.ErrorLog = s.Env.Log
	}
	return s
}

func to(port uint16) *pass.Content { return &pass.Content{Addr: drivertest.Loopback(port)} }

func checkLog(t *testing.T, s *offline.Session, want ...string) {
	t.Helper()
	if got := s.Lines.All(); !slices.Equal(got, want) {
		t.Errorf("got log %q, want %q", got, want)
	}
}

const (
	atFirst  = "[info] *1 client 192.0.2.1:1000 connected to 127.0.0.1:1"
	atSecond = "[info] *1 client 192.0.2.1:1000 connected to 127.0.0.1:2"
	where    = " while passing connection to port, client: 192.0.2.1, server: 127.0.0.1:1"
)

func TestPass(t *testing.T) {
	w := newSite()
	w.add("127.0.0.1:1", to(2))
	w.add("127.0.0.1:2", &reply.Content{Text: *w.template(t, "$server_addr:$server_port")})
	s := w.session(t)
	offline.Script(t, s, `
		accepted -> send "127.0.0.1:2" within=5s
		relayed  -> finish`)
	checkLog(t, s, atFirst, atSecond)
	if s.Status != stream.StatusOK {
		t.Errorf("got status %d, want 200", s.Status)
	}
}

// Connections passed to a wildcard address keep the address of their socket.
func TestPassToAny(t *testing.T) {
	w := newSite()
	w.add("127.0.0.1:1", &pass.Content{Addr: stream.Addr{IP: netip.MustParseAddrPort("0.0.0.0:2")}})
	w.add("0.0.0.0:2", &reply.Content{Text: *w.template(t, "$server_addr")})
	offline.Script(t, w.session(t), `accepted -> send "127.0.0.1" within=5s`)
}

func TestPassByVariable(t *testing.T) {
	w := newSite()
	parse := func(text string) (stream.Addr, error) {
		if text == "192.0.2.1" {
			return drivertest.Loopback(2), nil
		}
		return stream.Addr{}, errors.New("no such " + text)
	}
	w.add("127.0.0.1:1", &pass.Content{Variable: w.template(t, "$remote_addr"), Parse: parse})
	w.add("127.0.0.1:2", &reply.Content{Text: *w.template(t, "here")})
	offline.Script(t, w.session(t), `accepted -> send "here" within=5s`)

	wrong := newSite()
	wrong.add("127.0.0.1:1", &pass.Content{Variable: wrong.template(t, "$remote_port"), Parse: parse})
	s := wrong.session(t)
	offline.Script(t, s, `accepted -> finish`)
	checkLog(t, s, atFirst, "[error] *1 no such 1000"+where)
	if s.Status != stream.StatusInternal {
		t.Errorf("got status %d, want 500", s.Status)
	}
}

func TestPassToNobody(t *testing.T) {
	w := newSite()
	w.add("127.0.0.1:1", to(9))
	s := w.session(t)
	offline.Script(t, s, `accepted -> finish`)
	checkLog(t, s, atFirst, `[error] *1 port not found for "127.0.0.1:9"`+where)
	if s.Status != stream.StatusOK {
		t.Errorf("got status %d, want 200", s.Status)
	}
}

// The eleventh pass of a connection exceeds the limit.
func TestPassCycle(t *testing.T) {
	w := newSite()
	w.add("127.0.0.1:1", to(1))
	s := w.session(t)
	offline.Script(t, s, `accepted -> finish`)
	checkLog(t, s, append(slices.Repeat([]string{atFirst}, 11), "[error] *1 stream pass cycle"+where)...)
	if s.Status != stream.StatusInternal {
		t.Errorf("got status %d, want 500", s.Status)
	}
}

// recorder is a logger that records the names of servers.
type recorder struct {
	name string
	all  *[]string
}

func (r recorder) Log(*stream.Session) { *r.all = append(*r.all, r.name) }

// Only the last server logs, once.
func TestPassIsLoggedOnce(t *testing.T) {
	var logged []string
	w := newSite()
	w.add("127.0.0.1:1", to(2)).Default.Loggers = []stream.Logger{recorder{"first", &logged}}
	w.add("127.0.0.1:2", &reply.Content{}).Default.Loggers = []stream.Logger{recorder{"second", &logged}}
	offline.Script(t, w.session(t), `accepted -> finish`)
	if !slices.Equal(logged, []string{"second"}) {
		t.Errorf("got %q, want the second alone", logged)
	}
}
