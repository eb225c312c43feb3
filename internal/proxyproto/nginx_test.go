package proxyproto

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"weir/conformance/installed"
	"weir/conformance/nginx"
	"weir/conformance/ports"
	"weir/internal/testwait"
)

// startNginx runs nginx with the given servers until the test ends.
func startNginx(t *testing.T, dir, servers string) {
	t.Helper()
	build := installed.Nginx(t)
	conf, ready := filepath.Join(dir, "nginx.conf"), ports.Reserve(t).String()
	text := fmt.Sprintf(`%s daemon off; master_process off; pid %s/pid; error_log stderr info; events {}
		stream { server { listen %s; return ""; } %s }`, build.Load(nginx.Stream), dir, ready, servers)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd := exec.Command(build.Path, "-e", "stderr", "-p", dir, "-c", conf)
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
		if t.Failed() {
			t.Logf("nginx's log:\n%s", log.Bytes())
		}
	})
	testwait.Eventually(t, "nginx listens", func() bool { return answers(ready) })
}

// answers reports whether a TCP address accepts connections.
func answers(address string) bool {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// talk connects, sends text and the end, and returns the received data when the other side ends or
// resets.
func talk(t *testing.T, network, address, text string) string {
	t.Helper()
	c := dial(t, network, address)
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil && !errors.Is(err, syscall.ENOTCONN) {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(c)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Fatal(err)
	}
	return string(answer)
}

// dial connects; the time limits are testwait.Patience and the end of the test.
func dial(t *testing.T, network, address string) net.Conn {
	t.Helper()
	c, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(testwait.Patience))
	return c
}

// An upstream is a server that receives the first data that nginx sends.
type upstream struct{ *net.TCPListener }

func newUpstream(t *testing.T) upstream {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return upstream{l.(*net.TCPListener)}
}

// first returns the first bytes of the next connection. nginx sends a PROXY header at once.
func (u upstream) first(t *testing.T) string {
	t.Helper()
	u.SetDeadline(time.Now().Add(testwait.Patience))
	c, err := u.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(testwait.Patience))
	b := make([]byte, 512)
	n, err := c.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

// AppendV1 writes the same header as nginx, for every kind of client socket.
func TestAppendV1AsNginx(t *testing.T) {
	dir, up := t.TempDir(), newUpstream(t)
	dual, only4, unix := ports.Reserve(t), ports.Reserve(t), filepath.Join(dir, "u.sock")
	startNginx(t, dir, fmt.Sprintf(`
		server { listen [::]:%[1]d ipv6only=off; proxy_protocol on; proxy_pass %[4]s; }
		server { listen %[2]s; proxy_protocol on; proxy_pass %[4]s; }
		server { listen unix:%[3]s; proxy_protocol on; proxy_pass %[4]s; }`, dual.Port(), only4, unix, up.Addr()))
	for _, tt := range []struct {
		name, network, address string
		mapped                 bool // the client's socket is IPv6
	}{
		{"IPv4", "tcp", only4.String(), false},
		{"IPv6", "tcp", fmt.Sprintf("[::1]:%d", dual.Port()), false},
		{"IPv4 on an IPv6 listener", "tcp", dual.String(), true},
		{"unix", "unix", unix, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := dial(t, tt.network, tt.address)
			client, server := addrOf(c.LocalAddr(), tt.mapped), addrOf(c.RemoteAddr(), tt.mapped)
			if got, want := string(AppendV1(nil, client, server)), up.first(t); got != want {
				t.Errorf("got %q, nginx %q", got, want)
			}
		})
	}
}

// addrOf returns the address of a socket; invalid for a unix socket.
func addrOf(a net.Addr, mapped bool) netip.AddrPort {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := tcp.AddrPort()
	if mapped {
		return netip.AddrPortFrom(netip.AddrFrom16(ap.Addr().As16()), ap.Port())
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// With realip the client's address may have any value, and another family than the server's; nginx
// prints some in its own way.
func TestAppendV1AsNginxWithRealip(t *testing.T) {
	dir, up := t.TempDir(), newUpstream(t)
	server, unix := ports.Reserve(t).String(), filepath.Join(dir, "u.sock")
	startNginx(t, dir, fmt.Sprintf(`
		server { listen %[1]s proxy_protocol; set_real_ip_from 127.0.0.1; proxy_protocol on; proxy_pass %[3]s; }
		server { listen unix:%[2]s proxy_protocol; set_real_ip_from unix:; proxy_protocol on; proxy_pass %[3]s; }`, server, unix, up.Addr()))
	for _, addr := range []string{
		"192.0.2.1", "2001:db8::1", "::ffff:1.2.3.4", "::ffff:0:0", "::", "::1", "::2", "::101", "::100", "::1:0", "::1.2.3.4",
		"::1:2:3", "fe80::1:0", "1:0:0:2::3", "1:0:2:3:4:5:6:7", "0:0:1::", "1::2:3:0:0:4", "0:1:2:3:4:5:6:7", "1:2:3:4:5:6:7:0",
	} {
		t.Run(addr, func(t *testing.T) {
			client := netip.AddrPortFrom(netip.MustParseAddr(addr), 100)
			header := "PROXY TCP6 " + addr + " ::1 100 200\r\n"
			io.WriteString(dial(t, "tcp", server), header)
			if got, want := string(AppendV1(nil, client, addrPort(server))), up.first(t); got != want {
				t.Errorf("got %q, nginx %q", got, want)
			}
			io.WriteString(dial(t, "unix", unix), header)
			if got, want := string(AppendV1Unix(nil, client, unix)), up.first(t); got != want {
				t.Errorf("unix: got %q, nginx %q", got, want)
			}
		})
	}
}

// Parse accepts and refuses the same input as nginx, with the same variables.
func TestParseAsNginx(t *testing.T) {
	server := ports.Reserve(t).String()
	startNginx(t, t.TempDir(), fmt.Sprintf(`server { listen %s proxy_protocol;
		return "[$proxy_protocol_addr|$proxy_protocol_port|$proxy_protocol_server_addr|$proxy_protocol_server_port]"; }`, server))
	for _, r := range parseRows {
		// nginx before 1.23.2 reads at most 107 bytes of a header.
		if input := strings.TrimSuffix(r.input, r.rest); len(input) <= 107 {
			t.Run(r.name, func(t *testing.T) {
				if got := talk(t, "tcp", server, input); got != variables(r) {
					t.Errorf("%q: want %q, nginx answers %q", input, variables(r), got)
				}
			})
		}
	}
}

// variables returns the expected answer of the server of TestParseAsNginx; empty if the header is
// refused.
func variables(r parseRow) string {
	if r.err != "" {
		return ""
	}
	if r.header == nil {
		return "[|||]"
	}
	return fmt.Sprintf("[%s|%s|%s|%s]", r.header.Client, portText(r.header.ClientPort), r.header.Server, portText(r.header.ServerPort))
}

// portText returns a port as nginx's variables show it.
func portText(port uint16) string {
	if port == 0 {
		return ""
	}
	return strconv.Itoa(int(port))
}
