package tlserror

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"weir/conformance/installed"
	"weir/conformance/nginx"
	"weir/conformance/ports"
	"weir/internal/testcert"
	"weir/internal/testwait"
)

// A stimulus is a client that fails in its handshake, with the error that nginx 1.31.5 logs with
// OpenSSL 3.0.
type stimulus struct {
	name string
	act  func(net.Conn)
	want failure
}

// A failure is the text of an error and whether it is critical. Without a text the peer has closed the
// connection.
type failure struct {
	text       string
	isCritical bool
}

func usual(text string) failure { return failure{text: "error:" + text} }

func critical(text string) failure { return failure{"error:" + text, true} }

var closed = failure{}

// translated returns the failure of a handshake.
func translated(err error) failure {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return closed
	}
	text, isCritical := OpenSSL(err)
	return failure{text, isCritical}
}

// A party is a server with its certificate.
type party struct {
	config    *tls.Config
	cert, key []byte // PEM
}

func newParty(t testing.TB) *party {
	t.Helper()
	key := testcert.ECKey(t)
	cert := testcert.Issue(t, nil, key).TLS()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return &party{
		config: &tls.Config{
			Certificates: []tls.Certificate{cert}, NextProtos: []string{"mqtt"}, CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256},
			CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256},
			ClientAuth:   tls.RequestClientCert,
		},
		cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}),
		key:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
	}
}

func insecure() *tls.Config { return &tls.Config{InsecureSkipVerify: true, ServerName: "server"} }

// connection returns both ends of a connection.
func connection(t testing.TB) (near, far net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if far, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if near, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return near, far
}

// record returns a record of TLS.
func record(kind byte, version uint16, body ...byte) []byte {
	return append([]byte{kind, byte(version >> 8), byte(version), byte(len(body) >> 8), byte(len(body))}, body...)
}

// send writes bytes and ends the direction.
func send(b []byte) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = c.Write(b)
		_ = c.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, c)
	}
}

// answer writes bytes after a ClientHello and the answer of the server.
func answer(hello, b []byte) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = c.Write(hello)
		_, _ = c.Read(make([]byte, 1<<14))
		send(b)(c)
	}
}

// shake performs a handshake, and reads until the server ends the connection.
func shake(config *tls.Config) func(net.Conn) {
	return func(c net.Conn) {
		t := tls.Client(c, config)
		_ = t.Handshake()
		_, _ = io.Copy(io.Discard, t)
	}
}

// clientHello returns the first record of a client.
func clientHello(config *tls.Config) []byte {
	w := &firstWrite{}
	_ = tls.Client(w, config).Handshake()
	return w.record
}

// compressing returns a ClientHello that requires compression.
func compressing(hello []byte) []byte {
	hello = bytes.Clone(hello)
	at := 5 + 4 + 2 + 32
	at += 1 + int(hello[at])                           // the session identifier
	at += 2 + int(binary.BigEndian.Uint16(hello[at:])) // the ciphers
	hello[at+1] = 1
	return hello
}

// withoutSignatures returns a ClientHello without signature_algorithms: the extension has another
// number. Its length depends on the version.
func withoutSignatures(hello []byte) []byte {
	for _, length := range []byte{16, 18, 20, 22} {
		hello = bytes.ReplaceAll(hello, []byte{0, 13, 0, length}, []byte{0x80, 13, 0, length})
	}
	return hello
}

// continued returns a ClientHello in a record that contains one byte of the next message.
func continued(hello []byte) []byte {
	return record(22, 0x301, append(bytes.Clone(hello[5:]), 1)...)
}

// A firstWrite is a connection that keeps the first record and then fails.
type firstWrite struct {
	net.Conn
	record []byte
}

func (w *firstWrite) Write(b []byte) (int, error) {
	if w.record == nil {
		w.record = append([]byte(nil), b...)
	}
	return len(b), nil
}

func (w *firstWrite) Read([]byte) (int, error) { return 0, io.EOF }

// A damaged connection changes the last byte of each write after the first.
type damaged struct {
	net.Conn
	writes int
}

func (d *damaged) Write(b []byte) (int, error) {
	if d.writes++; d.writes > 1 {
		b = append([]byte(nil), b...)
		b[len(b)-1] ^= 1
	}
	return d.Conn.Write(b)
}

func stimuli(t testing.TB) []stimulus {
	t.Helper()
	hello12 := clientHello(&tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12})
	hello13 := clientHello(&tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13, CurvePreferences: []tls.CurveID{tls.X25519}})
	client := func(edit func(*tls.Config)) func(net.Conn) {
		c := insecure()
		edit(c)
		return shake(c)
	}
	foreign := testcert.Issue(t, nil, testcert.RSAKey(t, 2048)).TLS()
	foreign.PrivateKey = testcert.ECKey(t) // not the key of the certificate
	all := []stimulus{
		{"GET", send([]byte("GET / HTTP/1.0\r\n\r\n")), usual("0A00009C:SSL routines::http request")},
		{"POST", send([]byte("POST / HTTP/1.0\r\n\r\n")), usual("0A00009C:SSL routines::http request")},
		{"PUT", send([]byte("PUT / HTTP/1.0\r\n\r\n")), usual("0A00009C:SSL routines::http request")},
		{"HEAD", send([]byte("HEAD / HTTP/1.0\r\n\r\n")), usual("0A00009C:SSL routines::http request")},
		{"CONNECT of HTTP", send([]byte("CONNECT a:1 HTTP/1.0\r\n\r\n")), usual("0A00009B:SSL routines::https proxy request")},
		{"OPTIONS", send([]byte("OPTIONS / HTTP/1.0\r\n\r\n")), usual("0A00010B:SSL routines::wrong version number")},
		{"CONNECT of MQTT", send([]byte("\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00")), usual("0A00010B:SSL routines::wrong version number")},
		{"zeros", send(make([]byte, 20)), usual("0A00010B:SSL routines::wrong version number")},
		{"nothing", send(nil), closed},
		{"half a header", send([]byte{22, 3}), closed},
		{"half a record", send([]byte{22, 3, 1, 0, 100, 1}), closed},
		{"only a hello", send(hello12), closed},
		{"old versions", client(func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }),
			usual("0A000102:SSL routines::unsupported protocol")},
		{"no shared cipher", client(func(c *tls.Config) {
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA}
		}), usual("0A0000C1:SSL routines::no shared cipher")},
		{"no shared group", client(func(c *tls.Config) { c.MinVersion, c.CurvePreferences = tls.VersionTLS13, []tls.CurveID{tls.CurveP521} }),
			usual("0A000065:SSL routines::no suitable key share")},
		{"no shared ALPN", client(func(c *tls.Config) { c.NextProtos = []string{"other"} }), usual("0A0000EB:SSL routines::no application protocol")},
		{"rejected certificate", client(func(c *tls.Config) { c.InsecureSkipVerify, c.RootCAs = false, x509.NewCertPool() }),
			usual("0A000412:SSL routines::sslv3 alert bad certificate:SSL alert number 42")},
		{"data", send(record(23, 0x301, 1, 2, 3)), usual("0A0000F4:SSL routines::unexpected message")},
		{"unknown record", send(record(99, 0x301, 1, 2, 3)), usual("0A0000F4:SSL routines::unexpected message")},
		{"Finished", send(record(22, 0x301, 20, 0, 0, 0)), usual("0A0000F4:SSL routines::unexpected message")},
		{"long record", send([]byte{22, 3, 1, 0xff, 0xff, 1, 0, 0, 0, 0, 0}), usual("0A0000C6:SSL routines::packet length too long")},
		{"long message", send(record(22, 0x301, 1, 0xff, 0xff, 0xff, 1, 2, 3)), usual("0A000098:SSL routines::excessive message size")},
		{"bad hello", send(record(22, 0x301, 1, 0, 0, 4, 3, 3, 1, 1)), usual("0A00009F:SSL routines::length mismatch")},
		{"hello of SSLv2", send([]byte("\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10" + strings.Repeat("a", 37))), usual("0A000102:SSL routines::unsupported protocol")},
		{"unknown long record", send([]byte{99, 3, 1, 0xff, 0xff, 1, 0, 0, 0, 0, 0}), usual("0A0000C6:SSL routines::packet length too long")},
		{"compression only", send(compressing(hello12)), usual("0A0000BB:SSL routines::no compression specified")},
		{"compression in TLS 1.3", send(compressing(hello13)), usual("0A0000BB:SSL routines::no compression specified")},
		{"no signature algorithms in TLS 1.3", send(withoutSignatures(hello13)), usual("0A000070:SSL routines::missing sigalgs extension")},
		{"no signature algorithms", send(withoutSignatures(hello12)), usual("0A000178:SSL routines::no shared signature algorithms")},
		{"more after a hello", send(continued(hello13)), critical("0A0000B6:SSL routines::not on record boundary")},
		{"other version", answer(hello12, record(22, 0x301, 16, 0, 0, 0)), usual("0A00010B:SSL routines::wrong version number")},
		{"damaged record", func(c net.Conn) { client(func(*tls.Config) {})(&damaged{Conn: c}) },
			usual("0A000119:SSL routines::decryption failed or bad record mac")},
		{"certificate of another key", client(func(c *tls.Config) {
			c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &foreign, nil }
		}), critical("0A000172:SSL routines::wrong signature type")},
		{"warning", answer(hello12, record(21, 0x303, 1, 90)), closed},
	}
	for _, number := range []byte{10, 20, 21, 22, 30, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 60, 70, 71, 80, 86, 90, 100, 109, 110, 111, 112, 113, 114, 115, 116, 120, 121, 200} {
		all = append(all, stimulus{fmt.Sprintf("alert %d", number), answer(hello12, record(21, 0x303, 2, number)), usual(alertWords[number])})
	}
	return all
}

// alertWords are the errors that nginx logs for alerts.
var alertWords = map[byte]string{
	10: "0A0003F2:SSL routines::sslv3 alert unexpected message:SSL alert number 10", 20: "0A0003FC:SSL routines::sslv3 alert bad record mac:SSL alert number 20",
	21: "0A0003FD:SSL routines::tlsv1 alert decryption failed:SSL alert number 21", 22: "0A0003FE:SSL routines::tlsv1 alert record overflow:SSL alert number 22",
	30: "0A000406:SSL routines::sslv3 alert decompression failure:SSL alert number 30", 40: "0A000410:SSL routines::sslv3 alert handshake failure:SSL alert number 40",
	41: "0A000411:SSL routines::sslv3 alert no certificate:SSL alert number 41", 42: "0A000412:SSL routines::sslv3 alert bad certificate:SSL alert number 42",
	43: "0A000413:SSL routines::sslv3 alert unsupported certificate:SSL alert number 43", 44: "0A000414:SSL routines::sslv3 alert certificate revoked:SSL alert number 44",
	45: "0A000415:SSL routines::sslv3 alert certificate expired:SSL alert number 45", 46: "0A000416:SSL routines::sslv3 alert certificate unknown:SSL alert number 46",
	47: "0A000417:SSL routines::sslv3 alert illegal parameter:SSL alert number 47", 48: "0A000418:SSL routines::tlsv1 alert unknown ca:SSL alert number 48",
	49: "0A000419:SSL routines::tlsv1 alert access denied:SSL alert number 49", 50: "0A00041A:SSL routines::tlsv1 alert decode error:SSL alert number 50",
	51: "0A00041B:SSL routines::tlsv1 alert decrypt error:SSL alert number 51", 60: "0A000424:SSL routines::tlsv1 alert export restriction:SSL alert number 60",
	70: "0A00042E:SSL routines::tlsv1 alert protocol version:SSL alert number 70", 71: "0A00042F:SSL routines::tlsv1 alert insufficient security:SSL alert number 71",
	80: "0A000438:SSL routines::tlsv1 alert internal error:SSL alert number 80", 86: "0A00043E:SSL routines::tlsv1 alert inappropriate fallback:SSL alert number 86",
	90: "0A000442:SSL routines::tlsv1 alert user cancelled:SSL alert number 90", 100: "0A00044C:SSL routines::tlsv1 alert no renegotiation:SSL alert number 100",
	109: "0A000455:SSL routines::tlsv13 alert missing extension:SSL alert number 109", 110: "0A000456:SSL routines::tlsv1 unsupported extension:SSL alert number 110",
	111: "0A000457:SSL routines::tlsv1 certificate unobtainable:SSL alert number 111", 112: "0A000458:SSL routines::tlsv1 unrecognized name:SSL alert number 112",
	113: "0A000459:SSL routines::tlsv1 bad certificate status response:SSL alert number 113", 114: "0A00045A:SSL routines::tlsv1 bad certificate hash value:SSL alert number 114",
	115: "0A00045B:SSL routines::tlsv1 alert unknown psk identity:SSL alert number 115", 116: "0A00045C:SSL routines::tlsv13 alert certificate required:SSL alert number 116",
	120: "0A000460:SSL routines::tlsv1 alert no application protocol:SSL alert number 120", 121: "0A000461:SSL routines::reason(1121):SSL alert number 121",
	200: "0A0004B0:SSL routines::reason(1200):SSL alert number 200",
}

func TestHandshakeFailure(t *testing.T) {
	p := newParty(t)
	for _, s := range stimuli(t) {
		near, far := connection(t)
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.act(far)
			far.Close()
		}()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		err := tls.Server(near, p.config).HandshakeContext(ctx)
		near.Close()
		<-done
		cancel()
		if err == nil {
			t.Errorf("%s: no error", s.name)
		} else if got := translated(err); got != s.want {
			t.Errorf("%s: %v:\n\tgot  %+v\n\twant %+v", s.name, err, got, s.want)
		}
	}
}

func TestUnknownError(t *testing.T) {
	got := translated(errors.New("tls: something new"))
	if want := (failure{"tls: something new", true}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestReadFailure checks the error for a damaged record after the handshake.
func TestReadFailure(t *testing.T) {
	near, far := connection(t)
	go func() {
		d := &damaged{Conn: far, writes: -10}
		c := tls.Client(d, insecure())
		if c.Handshake() == nil {
			d.writes = 2
			_, _ = c.Write([]byte("x"))
		}
		far.Close()
	}()
	c := tls.Server(near, newParty(t).config)
	defer near.Close()
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	_, err := c.Read(make([]byte, 1))
	if got, want := translated(err), usual("0A000119:SSL routines::decryption failed or bad record mac"); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestUpstreamFailure has servers that are none, with the messages of nginx.
func TestUpstreamFailure(t *testing.T) {
	hello := func(version byte, cipher ...byte) []byte {
		body := append([]byte{2, 0, 0, 38, 3, version}, make([]byte, 33)...)
		return record(22, 0x303, append(append(body, cipher...), 0)...)
	}
	config := insecure()
	for name, c := range map[string]struct {
		reply []byte
		want  failure
	}{
		"nothing":         {nil, closed},
		"HTTP":            {[]byte("HTTP/1.0 400 Bad Request\r\n"), usual("0A00010B:SSL routines::wrong version number")},
		"alert":           {record(21, 0x303, 2, 40), usual("0A000410:SSL routines::sslv3 alert handshake failure:SSL alert number 40")},
		"data":            {record(23, 0x301, 1, 2, 3), usual("0A0000F4:SSL routines::unexpected message")},
		"TLS 1.0":         {hello(1, 0x13, 0x01), usual("0A000102:SSL routines::unsupported protocol")},
		"short hello":     {record(22, 0x303, 2, 0, 0, 3, 3, 3, 1), usual("0A00009F:SSL routines::length mismatch")},
		"another cipher":  {hello(3, 0x12, 0x34), critical("0A0000F8:SSL routines::unknown cipher returned")},
		"too long record": {[]byte{22, 3, 3, 0xff, 0xff, 1, 0, 0, 0}, usual("0A0000C6:SSL routines::packet length too long")},
	} {
		near, far := connection(t)
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = far.Read(make([]byte, 1<<14))
			send(c.reply)(far)
			far.Close()
		}()
		err := tls.Client(near, config).Handshake()
		near.Close()
		<-done
		if got := translated(err); got != c.want {
			t.Errorf("%s: %v:\n\tgot  %+v\n\twant %+v", name, err, got, c.want)
		}
	}
}

// levelsOf is the nginx whose levels the stimuli want: older ones log more failures at the level crit.
var levelsOf = nginx.Version{1, 31, 5}

// TestFailuresAgainstNginx lets nginx log the stimuli. An older nginx logs an error of the cipher before the error of
// TLS.
func TestFailuresAgainstNginx(t *testing.T) {
	build := installed.Nginx(t)
	p := newParty(t)
	dir := t.TempDir()
	address, log := ports.Reserve(t).String(), filepath.Join(dir, "error.log")
	for name, text := range map[string]string{
		"crt": string(p.cert), "key": string(p.key),
		"nginx.conf": build.Load(nginx.Stream) + fmt.Sprintf("daemon off; master_process off; pid %s/pid; error_log %s info; events {}\nstream { server { listen %s ssl;"+
			"ssl_protocols TLSv1.2 TLSv1.3; ssl_certificate crt; ssl_certificate_key key; ssl_alpn mqtt; ssl_ecdh_curve X25519:prime256v1;"+
			"ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256; ssl_verify_client optional_no_ca; return ok; } }\n",
			dir, log, address),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(build.Path, "-e", log, "-p", dir, "-c", filepath.Join(dir, "nginx.conf"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	testwait.Eventually(t, "nginx listens", func() bool { return dials(address) })
	testwait.Eventually(t, "the probe is logged", func() bool { return strings.Contains(read(t, log), "peer closed connection") })
	message := regexp.MustCompile(`\[(\w+)\] [^*]*\*\d+ (?:SSL_do_handshake\(\) failed \(SSL: (.*)\)|peer closed connection in SSL handshake) while SSL handshaking`)
	for _, s := range stimuli(t) {
		before := read(t, log)
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(time.Minute))
		s.act(c)
		c.Close()
		var m []string
		testwait.Eventually(t, "a message of "+s.name, func() bool {
			m = message.FindStringSubmatch(strings.TrimPrefix(read(t, log), before))
			return m != nil
		})
		got, want := failure{m[2], m[1] == "crit"}, s.want
		if build.Version.Before(levelsOf) {
			got.isCritical, want.isCritical = false, false
			got.text = got.text[max(0, len(got.text)-len(want.text)):]
		}
		if got != want {
			t.Errorf("%s: nginx logs %+v, want %+v", s.name, got, want)
		}
	}
}

// dials reports whether a server listens. The connection leaves a message in its log.
func dials(address string) bool {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
