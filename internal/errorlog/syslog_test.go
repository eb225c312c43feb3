package errorlog

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// listen returns a datagram socket and the configuration of a Syslog that sends to it.
func listen(t *testing.T, network, address string) (net.PacketConn, SyslogConf) {
	t.Helper()
	conn, err := net.ListenPacket(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	at := conn.LocalAddr().String()
	return conn, SyslogConf{Network: network, Address: at, Name: at, Facility: 23, Hostname: "host", Tag: "nginx"}
}

func read(t *testing.T, conn net.PacketConn) string {
	t.Helper()
	b := make([]byte, 4096)
	n, _, err := conn.ReadFrom(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

func newSyslog(t *testing.T, conf SyslogConf) *Syslog {
	t.Helper()
	s := NewSyslog(conf, testNow)
	t.Cleanup(s.Close)
	return s
}

func TestSyslogReportsAFailureOnceAMinute(t *testing.T) {
	conn, conf := listen(t, "udp", "127.0.0.1:0")
	clock := testNow()
	s := NewSyslog(conf, func() time.Time { return clock })
	t.Cleanup(s.Close)
	var r recorder
	log := New(testNow, 42)
	log.Add(Error, &r)
	s.ReportTo(log)
	long := make([]byte, 70000)
	for range 180 {
		if s.Send(long) {
			t.Fatal("the system took it")
		}
		clock = clock.Add(time.Second)
	}
	line := "2026/11/02 20:29:03 [error] 42#42: send() failed (90: Message too long) while logging to syslog, server: " + conf.Name
	want := line + "\n" + line + ", lines lost: 60\n" + line + ", lines lost: 60\n"
	if got := strings.Join(r.lines, ""); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	s.Send([]byte("short"))
	if got := read(t, conn); got != "short" {
		t.Errorf("afterwards got %q", got)
	}
}

// TestSyslogReportsAServerThatDoesNotRead checks that lines which the system does not accept are counted, and
// that the connection continues.
func TestSyslogReportsAServerThatDoesNotRead(t *testing.T) {
	conn, conf := listen(t, "unixgram", filepath.Join(t.TempDir(), "log"))
	clock := testNow()
	s := NewSyslog(conf, func() time.Time { return clock })
	t.Cleanup(s.Close)
	var r recorder
	log := New(testNow, 42)
	log.Add(Error, &r)
	s.ReportTo(log)
	taken := 0
	for s.Send([]byte("line")) {
		taken++
	}
	s.Send([]byte("line"))
	clock = clock.Add(time.Minute)
	s.Send([]byte("line"))
	line := "2026/11/02 20:29:03 [error] 42#42: send() failed (11: Resource temporarily unavailable) while logging to syslog, server: " + conf.Name
	if got, want := strings.Join(r.lines, ""), line+"\n"+line+", lines lost: 2\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	for range taken {
		read(t, conn)
	}
	if !s.Send([]byte("later")) || read(t, conn) != "later" {
		t.Error("a later line is lost")
	}
}

func TestSyslogDatagram(t *testing.T) {
	const body = "2026/11/02 20:29:03 [error] 42#42: *7 no live upstreams"
	tests := []struct {
		name   string
		change func(*SyslogConf)
		want   string
	}{
		{"as configured", func(*SyslogConf) {}, "<187>Nov  2 20:29:03 host nginx: " + body},
		{"nohostname", func(c *SyslogConf) { c.Hostname = "" }, "<187>Nov  2 20:29:03 nginx: " + body},
		{"facility and tag", func(c *SyslogConf) { c.Facility, c.Tag = 0, "T_1" }, "<3>Nov  2 20:29:03 host T_1: " + body},
	}
	for _, network := range []string{"udp", "unixgram"} {
		for _, tt := range tests {
			t.Run(network+" "+tt.name, func(t *testing.T) {
				conn, conf := listen(t, network, addressFor(t, network))
				tt.change(&conf)
				l := New(testNow, 42)
				l.Add(Error, newSyslog(t, conf))
				l.Write(Error, 7, "no live upstreams")
				if got := read(t, conn); got != tt.want {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			})
		}
	}
}

func addressFor(t *testing.T, network string) string {
	t.Helper()
	if network == "unixgram" {
		return filepath.Join(t.TempDir(), "log")
	}
	return "127.0.0.1:0"
}

func TestSyslogConnectsAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	first, conf := listen(t, "unixgram", path)
	var told recorder
	log := New(testNow, 42)
	log.Add(Info, &told)
	s := newSyslog(t, conf)
	s.ReportTo(log)

	if !s.Send([]byte("one")) || read(t, first) != "one" {
		t.Error("the first datagram did not arrive")
	}
	first.Close()
	os.Remove(path)
	if s.Send([]byte("two")) || s.Send([]byte("three")) {
		t.Error("sending without a server succeeded")
	}
	second, _ := listen(t, "unixgram", path)
	if !s.Send([]byte("four")) || read(t, second) != "four" {
		t.Error("nothing arrived at the new socket")
	}
	want := "2026/11/02 20:29:03 [error] 42#42: send() failed (111: Connection refused) while logging to syslog, server: PATH\n" +
		"2026/11/02 20:29:03 [alert] 42#42: connect() failed (2: No such file or directory) while logging to syslog, server: PATH\n"
	if got := strings.ReplaceAll(strings.Join(told.lines, ""), path, "PATH"); got != want {
		t.Errorf("told\n%swant\n%s", got, want)
	}
}

func TestSyslogDoesNotReportItsReports(t *testing.T) {
	s := newSyslog(t, SyslogConf{Network: "unixgram", Address: filepath.Join(t.TempDir(), "none")})
	var told recorder
	log := New(testNow, 42)
	log.Add(Info, s)
	log.Add(Info, &told)
	s.ReportTo(log)
	log.Write(Error, 0, "message")
	if len(told.lines) != 2 {
		t.Errorf("told %q, want the failure and the message", told.lines)
	}
}

func TestSyslogNeverWaits(t *testing.T) {
	_, conf := listen(t, "unixgram", filepath.Join(t.TempDir(), "log"))
	s := newSyslog(t, conf)
	for range 100_000 {
		if !s.Send([]byte("unread")) {
			return
		}
	}
	t.Error("100000 unread datagrams were accepted")
}

func TestSyslogAllocatesNothing(t *testing.T) {
	conn, conf := listen(t, "udp", "127.0.0.1:0")
	s := newSyslog(t, conf)
	line := []byte("2026/11/02 20:29:03 [error] 42#42: text\n")
	s.WriteLine(Error, line)
	read(t, conn)
	if n := testing.AllocsPerRun(100, func() { s.WriteLine(Error, line) }); n != 0 {
		t.Errorf("WriteLine allocates %v times", n)
	}
}
