package realpeers

import (
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"weir/conformance/installed"
	"weir/conformance/program"
)

// versions are the options of OpenSSL for versions of TLS, with the value of $ssl_protocol.
var versions = []struct{ option, name string }{{"-tls1_2", "TLSv1.2"}, {"-tls1_3", "TLSv1.3"}}

// startTLSServers runs weir with servers for s_client: one that shows the facts of the handshake, one
// of another name, and one in front of an echo server.
func startTLSServers(t *testing.T) (f *front, echo string) {
	t.Helper()
	f, echo = &front{addr: freeAddr(t)}, freeAddr(t)
	return f.run(t, fmt.Sprintf(`pid weir.pid; error_log logs/error.log info; events { }
stream {
    ssl_certificate %[1]s; ssl_certificate_key %[2]s; ssl_client_certificate %[3]s; ssl_verify_client optional; ssl_alpn mqtt;
    server { listen %[4]s ssl; return "default $ssl_protocol $ssl_alpn_protocol $ssl_client_verify $ssl_client_s_dn $ssl_session_reused\n"; }
    server { listen %[4]s ssl; server_name %[5]s; return "named $ssl_protocol $ssl_server_name\n"; }
    server { listen %[6]s ssl; proxy_pass %[7]s; }
}
`, shared.Server.Cert, shared.Server.Key, shared.CA, f.addr, shared.Name, echo, startEcho(t))), echo
}

// startEcho returns the address of a server that returns all data.
func startEcho(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer c.Close()
				_, _ = io.Copy(c, c)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		serving.Wait()
	})
	return l.Addr().String()
}

// sClient starts openssl s_client, which ends with its connection.
func sClient(t *testing.T, addr string, args ...string) *process {
	t.Helper()
	args = append([]string{"s_client", "-connect", addr, "-CAfile", shared.CA, "-verify_return_error"}, args...)
	return start(t, nil, nil, installed.Program(t, "openssl", "openssl"), args...)
}

// write sends a line to s_client; of some letters alone it is a command.
func (p *process) write(t *testing.T, line string) {
	t.Helper()
	if _, err := io.WriteString(p.stdin, line+"\n"); err != nil {
		t.Fatal(err)
	}
}

// TestSClient tests what a client of OpenSSL and weir negotiate.
func TestSClient(t *testing.T) {
	t.Parallel()
	f, echo := startTLSServers(t)
	certificate := []string{"-cert", shared.Device.Cert, "-key", shared.Device.Key}
	for _, v := range versions {
		for _, tt := range []struct {
			name string
			args []string
			want string
		}{
			{"a certificate and ALPN", append([]string{"-noservername", "-alpn", "other,mqtt"}, certificate...),
				"default " + v.name + " mqtt SUCCESS CN=device-42,O=Fleet ."},
			{"nothing", []string{"-noservername"}, "default " + v.name + "  NONE  ."},
			{"a server name", []string{"-servername", shared.Name, "-verify_hostname", shared.Name}, "named " + v.name + " " + shared.Name},
			{"no common ALPN", []string{"-alpn", "other"}, "no application protocol"},
		} {
			t.Run(v.name+" "+tt.name, func(t *testing.T) {
				sClient(t, f.addr, append(tt.args, v.option)...).awaitText(t, program.Patience, tt.want)
			})
		}
		t.Run(v.name+" resumed", func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "session")
			args := append([]string{v.option, "-noservername"}, certificate...)
			first := sClient(t, f.addr, append(args, "-sess_out", file)...)
			program.Await(t, "the end of s_client", first.hasEnded)
			sClient(t, f.addr, append(args, "-sess_in", file)...).awaitText(t, program.Patience, "SUCCESS CN=device-42,O=Fleet r")
		})
		t.Run(v.name+" commands", func(t *testing.T) { testCommands(t, echo, v.option) })
	}
	t.Run("reconnect", func(t *testing.T) {
		p := sClient(t, echo, "-tls1_2", "-reconnect")
		program.Await(t, "five resumed sessions", func() bool { return strings.Count(p.text(), "Reused, TLSv1.2") == 5 })
	})
}

// testCommands sends key updates, or tries to negotiate again, in a session with messages.
func testCommands(t *testing.T, echo, version string) {
	t.Helper()
	p := sClient(t, echo, version)
	p.write(t, "before")
	p.awaitText(t, program.Patience, "\nbefore")
	if version == "-tls1_2" {
		p.write(t, "R")
		program.Await(t, "the end of the session", p.hasEnded)
		return
	}
	for i, command := range []string{"k", "K", "K", "k"} { // K asks weir for a key update, too
		p.write(t, command)
		program.Await(t, "the key update", func() bool { return strings.Count(p.text(), "KEYUPDATE") == i+1 })
		p.write(t, fmt.Sprint("after ", i))
		p.awaitText(t, program.Patience, fmt.Sprint("\nafter ", i))
	}
}

// TestSServer lets weir connect to a server of OpenSSL, which reverses lines.
func TestSServer(t *testing.T) {
	t.Parallel()
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			broker := freeAddr(t)
			p := start(t, nil, nil, installed.Program(t, "openssl", "openssl"), "s_server", "-accept", broker, "-rev", v.option, "-cert", shared.Server.Cert,
				"-key", shared.Server.Key, "-CAfile", shared.CA, "-Verify", "1", "-verify_return_error", "-servername", shared.Name,
				"-cert2", shared.Server.Cert, "-key2", shared.Server.Key, "-servername_fatal", "-alpn", "mqtt")
			p.awaitText(t, program.Patience, "ACCEPT")
			f := &front{addr: freeAddr(t)}
			f.run(t, fmt.Sprintf(`pid weir.pid; error_log logs/error.log info; events { }
stream { server { listen %s; proxy_pass %s; proxy_ssl on; proxy_ssl_verify on; proxy_ssl_trusted_certificate %s;
    proxy_ssl_server_name on; proxy_ssl_name %s; proxy_ssl_certificate %s; proxy_ssl_certificate_key %s; } }
`, f.addr, broker, shared.CA, shared.Name, shared.Device.Cert, shared.Device.Key))
			for range 2 { // the second session may be resumed
				if got := exchange(t, f.addr, "stressed\n"); got != "desserts\n" {
					t.Errorf("got %q", got)
				}
			}
			p.awaitText(t, program.Patience, "CN = device-42")
		})
	}
}

// exchange sends a text and returns a response of the same length.
func exchange(t *testing.T, addr, text string) string {
	t.Helper()
	conn, err := dialFrom("127.0.0.1", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	response := make([]byte, len(text))
	if _, err := io.ReadFull(conn, response); err != nil {
		t.Fatal(err)
	}
	return string(response)
}
