package drivertest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"strings"

	"weir/internal/relay"
	"weir/stream"
)

var recordTests = []driverTest{
	{"TLS records that arrive byte by byte", func(r *rig) { recordsInBytes(r, 0) }},
	{"TLS 1.2 records that arrive byte by byte", func(r *rig) { recordsInBytes(r, tls.VersionTLS12) }},
	{"TLS records of 16 KiB", largeRecords},
	{"many small TLS records in one segment", manyRecords},
	{"TLS key updates", keyUpdates},
	{"TLS key updates without end", endlessKeyUpdates},
	{"renegotiation after TLS 1.2", renegotiation},
}

// A byteConn writes one byte at a time.
type byteConn struct{ net.Conn }

// Write writes b.
func (c byteConn) Write(b []byte) (int, error) {
	for i := range b {
		if _, err := c.Conn.Write(b[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(b), nil
}

// tlsPairOver returns the two ends of a session, after the handshakes, over connections made by
// wrap.
func (p *proxyFrontend) tlsPairOver(version uint16, wrap func(net.Conn) net.Conn) (client, server tlsConn) {
	p.Helper()
	plain := p.dial()
	client = tlsConn{plain, tls.Client(wrap(plain), limited(testTLS(p).client, version))}
	must(p, client.tls.Handshake())
	plain = p.accept()
	server = tlsConn{plain, tls.Server(wrap(plain), limited(testTLS(p).server, version))}
	must(p, server.tls.Handshake())
	return client, server
}

// limited returns a copy of config with the highest version; 0 allows any.
func limited(config *tls.Config, version uint16) *tls.Config {
	config = config.Clone()
	config.MaxVersion = version
	config.DynamicRecordSizingDisabled = true
	return config
}

func recordsInBytes(r *rig, version uint16) {
	p := r.withTLS("tcp", ends{client: true, server: true}, &Proxy{Spec: spec()})
	client, server := p.tlsPairOver(version, func(c net.Conn) net.Conn { return byteConn{c} })
	const total = 5000
	small := pacing{seed: 3, max: 700}
	concurrently(r, func() error { return small.write(client, 1, total) }, func() error { return small.expect(server, 1, total) },
		func() error { return small.write(server, 2, total) }, func() error { return small.expect(client, 2, total) })
	client.Close()
	if o := r.outcome(); o.end != relay.ClientEOF || o.fromClient != total || o.toClient != total {
		r.Errorf("got %v, %d bytes up, %d down; want a client EOF, %d, %d", o.end, o.fromClient, o.toClient, total, total)
	}
}

// largeRecords relays records of the largest size, which do not fit proxy_buffer_size.
func largeRecords(r *rig) {
	p := r.withTLS("tcp", ends{client: true, server: true}, &Proxy{Spec: spec()})
	client, server := p.tlsPairOver(0, func(c net.Conn) net.Conn { return c })
	const total = 40 * 16 << 10
	whole := pacing{seed: 3, max: 256 << 10}
	concurrently(r, func() error { return whole.write(client, 1, total) }, func() error { return whole.expect(server, 1, total) },
		func() error { return whole.write(server, 2, total) }, func() error { return whole.expect(client, 2, total) })
}

// manyRecords sends many records at once: the socket is empty long before the last one is
// decrypted.
func manyRecords(r *rig) {
	p := r.withTLS("tcp", ends{client: true}, &Proxy{Spec: spec()})
	plain := p.dial()
	joined := &joiningConn{Conn: plain}
	client := tlsConn{plain, tls.Client(joined, testTLS(r).client)}
	must(r, client.tls.Handshake())
	server := p.accept()
	joined.joins = true
	const n = 200
	for i := range n {
		fmt.Fprintf(client, "%04d", i)
	}
	must(r, joined.flush())
	for i := range n {
		expect(r, server, fmt.Sprintf("%04d", i))
	}
}

// A joiningConn collects what is written, once joins is set, until flush.
type joiningConn struct {
	net.Conn
	joins bool
	data  []byte
}

// Write writes or collects b.
func (c *joiningConn) Write(b []byte) (int, error) {
	if !c.joins {
		return c.Conn.Write(b)
	}
	c.data = append(c.data, b...)
	return len(b), nil
}

func (c *joiningConn) flush() error {
	_, err := c.Conn.Write(c.data)
	return err
}

// Content types and messages of TLS.
const (
	handshakeRecord    = 22
	dataRecord         = 23
	keyUpdateRequested = "\x18\x00\x00\x01\x01"
	helloRequest       = "\x00\x00\x00\x00"
)

// A sealer writes TLS 1.3 records of one direction with AES-128-GCM, as crypto/tls does, but also
// those that crypto/tls cannot be made to send. RFC 8446, sections 5 and 7.
type sealer struct {
	to     io.Writer
	secret []byte
	aead   cipher.AEAD
	iv     []byte
	count  uint64
}

func newSealer(to io.Writer, secret []byte) (*sealer, error) {
	s := &sealer{to: to}
	return s, s.setSecret(secret)
}

func (s *sealer) setSecret(secret []byte) error {
	key, err := expandLabel(secret, "key", 16)
	if err != nil {
		return err
	}
	iv, err := expandLabel(secret, "iv", 12)
	if err != nil {
		return err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return err
	}
	aead, err := cipher.NewGCM(block)
	s.secret, s.aead, s.iv, s.count = secret, aead, iv, 0
	return err
}

// expandLabel is HKDF-Expand-Label with an empty context.
func expandLabel(secret []byte, label string, length int) ([]byte, error) {
	label = "tls13 " + label
	info := append([]byte{0, byte(length), byte(len(label))}, label...)
	return hkdf.Expand(sha256.New, secret, string(append(info, 0)), length)
}

// write writes one record.
func (s *sealer) write(kind byte, data string) error {
	nonce := append([]byte(nil), s.iv...)
	binary.BigEndian.PutUint64(nonce[4:], binary.BigEndian.Uint64(s.iv[4:])^s.count)
	s.count++
	inner := append([]byte(data), kind)
	header := []byte{dataRecord, 3, 3, 0, 0}
	binary.BigEndian.PutUint16(header[3:], uint16(len(inner)+s.aead.Overhead()))
	_, err := s.to.Write(s.aead.Seal(header, nonce, inner, header))
	return err
}

// update announces new keys, asks the other side to do the same, and uses the new keys.
func (s *sealer) update() error {
	if err := s.write(handshakeRecord, keyUpdateRequested); err != nil {
		return err
	}
	next, err := expandLabel(s.secret, "traffic upd", len(s.secret))
	if err != nil {
		return err
	}
	return s.setSecret(next)
}

// updatingClient returns a client of p after its handshake, its sealer, and its server. Only the
// sealer may write to it.
func (r *rig) updatingClient(p *proxyFrontend) (tlsConn, *sealer, duplex) {
	r.Helper()
	var keys strings.Builder
	config := limited(testTLS(r).client, tls.VersionTLS13)
	config.KeyLogWriter = &keys
	plain := p.dial()
	client := tlsConn{plain, tls.Client(plain, config)}
	must(r, client.tls.Handshake())
	server := p.accept()
	for line := range strings.Lines(keys.String()) {
		if f := strings.Fields(line); f[0] == "CLIENT_TRAFFIC_SECRET_0" {
			secret, err := hex.DecodeString(f[2])
			must(r, err)
			s, err := newSealer(plain, secret)
			must(r, err)
			return client, s, server
		}
	}
	r.Fatal("no secret")
	return tlsConn{}, nil, nil
}

func keyUpdates(r *rig) {
	p := r.withTLS("tcp", ends{client: true}, &Proxy{Spec: spec()})
	client, out, server := r.updatingClient(p)
	for i := range 20 {
		up, down := fmt.Sprintf("up %d", i), fmt.Sprintf("down %d", i)
		must(r, out.update())
		must(r, out.write(dataRecord, up))
		expect(r, server, up)
		send(r, server, down)
		expect(r, client, down)
	}
	server.Close()
	must(r, expectEnd(client))
	if o := r.outcome(); o.count(stream.Failed) != 0 || o.end != relay.UpstreamEOF {
		r.Errorf("got %d failures, %v; want none, an upstream EOF", o.count(stream.Failed), o.end)
	}
}

// endlessKeyUpdates asks for new keys without data, which crypto/tls refuses.
func endlessKeyUpdates(r *rig) {
	p := r.withTLS("tcp", ends{client: true}, &Proxy{Spec: spec()})
	_, out, server := r.updatingClient(p)
	for out.update() == nil {
	}
	must(r, expectEnd(server))
	if o := r.outcome(); o.end != relay.ClientError {
		r.Errorf("got %v, want a client error", o.end)
	}
}

// renegotiation makes the server of a session ask for another handshake, in TLS 1.2. crypto/tls
// refuses, and the relay ends.
func renegotiation(r *rig) {
	p := r.withTLS("tcp", ends{server: true}, &Proxy{Spec: spec()})
	client := p.dial()
	plain := p.accept()
	var keys strings.Builder
	config := limited(testTLS(r).server, tls.VersionTLS12)
	config.KeyLogWriter = &keys
	config.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
	recorded := &helloConn{Conn: plain}
	server := tls.Server(recorded, config)
	must(r, server.Handshake())
	must(r, recorded.askAgain(strings.Fields(keys.String())))
	must(r, expectEnd(client))
	o := r.outcome()
	if ev := o.failure(); o.end != relay.UpstreamError || ev.Side != stream.UpstreamSide || ev.Op != stream.OpRecv {
		r.Errorf("got %v, side %d, %v; want an upstream error of recv()", o.end, ev.Side, ev.Op)
	}
}

// A helloConn stores the first data that a server writes, which begins with its ServerHello.
type helloConn struct {
	net.Conn
	hello []byte
}

// Write writes b.
func (c *helloConn) Write(b []byte) (int, error) {
	if c.hello == nil {
		c.hello = append(c.hello, b...)
	}
	return c.Conn.Write(b)
}

// askAgain sends a HelloRequest as the first record after the handshake, in TLS 1.2 with
// AES-128-GCM. line is that of the key log: a label, the client's random, the master secret. RFC
// 5246, sections 6.3 and 7.4.1.1; RFC 5288.
func (c *helloConn) askAgain(line []string) error {
	clientRandom, err := hex.DecodeString(line[1])
	if err != nil {
		return err
	}
	master, err := hex.DecodeString(line[2])
	if err != nil {
		return err
	}
	serverRandom := c.hello[11:43]
	const keySize, ivSize = 16, 4
	keys := prf(master, "key expansion"+string(serverRandom)+string(clientRandom), 2*keySize+2*ivSize)
	block, err := aes.NewCipher(keys[keySize : 2*keySize])
	if err != nil {
		return err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return err
	}
	count := []byte{0, 0, 0, 0, 0, 0, 0, 1} // the Finished message was the first record
	extra := append(append([]byte(nil), count...), handshakeRecord, 3, 3, 0, byte(len(helloRequest)))
	nonce := append(keys[2*keySize+ivSize:], count...)
	record := []byte{handshakeRecord, 3, 3, 0, byte(len(count) + len(helloRequest) + aead.Overhead())}
	_, err = c.Conn.Write(aead.Seal(append(record, count...), nonce, []byte(helloRequest), extra))
	return err
}

// prf is the pseudorandom function of TLS 1.2 with SHA-256, for a label followed by a seed.
func prf(secret []byte, seed string, length int) (out []byte) {
	hash := func(data ...string) string {
		m := hmac.New(sha256.New, secret)
		for _, d := range data {
			io.WriteString(m, d)
		}
		return string(m.Sum(nil))
	}
	for a := hash(seed); len(out) < length; a = hash(a) {
		out = append(out, hash(a, seed)...)
	}
	return out[:length]
}
