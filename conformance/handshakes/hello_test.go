package handshakes

import (
	"crypto/tls"
	"io"
	"math/rand/v2"
	"net"
	"slices"
)

// seeds returns first messages of clients: of TLS and of other protocols.
func seeds() [][]byte {
	var all [][]byte
	for _, c := range []*tls.Config{
		{ServerName: "a.example.com"},
		{ServerName: "a.example.com", NextProtos: []string{"mqtt"}},
		{ServerName: "unknown.example.com", MinVersion: tls.VersionTLS13},
		{MaxVersion: tls.VersionTLS12},
		{ServerName: "a.example.com", MaxVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}},
		{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11},
		{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}},
		{MinVersion: tls.VersionTLS13, CurvePreferences: []tls.CurveID{tls.CurveP521}},
	} {
		c.InsecureSkipVerify = true
		all = append(all, clientHello(c))
	}
	for _, text := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
		"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00",                             // CONNECT of MQTT
		"\x15\x03\x01\x00\x02\x02\x28",                                             // the alert handshake_failure
		"\x15\x03\x01\x00\x02\x01\x00",                                             // close_notify
		"\x14\x03\x03\x00\x01\x01",                                                 // ChangeCipherSpec
		"\x17\x03\x03\x00\x10abcdefghijklmnop",                                     // application data
		"\x80\x1c\x01\x03\x01\x00\x03\x00\x00\x00\x10\x00\x00\x2fabcdefghijklmnop", // a ClientHello of SSLv2
		"\x16\x03\x01\x00\x04\x01\x00\x00\x00",                                     // an empty ClientHello
		"\x16\x03\x01\xff\xff",
		"\x16\x03\x01\x00\x00",
	} {
		all = append(all, []byte(text))
	}
	return all
}

// clientHello returns the first record of a client.
func clientHello(config *tls.Config) []byte {
	w := &firstWrite{}
	_ = tls.Client(w, config).Handshake() // ends without an answer
	return w.record
}

// A firstWrite is a connection that keeps what is written first.
type firstWrite struct {
	net.Conn
	record []byte
}

// Write keeps the first record.
func (w *firstWrite) Write(b []byte) (int, error) {
	if w.record == nil {
		w.record = slices.Clone(b)
	}
	return len(b), nil
}

// Read returns the end of the connection.
func (w *firstWrite) Read([]byte) (int, error) { return 0, io.EOF }

// Close does nothing.
func (w *firstWrite) Close() error { return nil }

// mutations change a message; each may use the bytes of the argument.
var mutations = []func(*rand.Rand, []byte) []byte{
	func(r *rand.Rand, b []byte) []byte { // other bits
		for range 1 + r.IntN(4) {
			b[r.IntN(len(b))] ^= 1 << r.IntN(8)
		}
		return b
	},
	func(r *rand.Rand, b []byte) []byte { // another byte, often at a limit
		b[r.IntN(len(b))] = [...]byte{0, 1, 0x7f, 0x80, 0xff, byte(r.Uint32())}[r.IntN(6)]
		return b
	},
	func(r *rand.Rand, b []byte) []byte { return b[:r.IntN(len(b)+1)] }, // truncated
	func(r *rand.Rand, b []byte) []byte { // a part twice
		from := r.IntN(len(b))
		to := from + r.IntN(len(b)-from+1)
		return slices.Concat(b[:to], b[from:])
	},
	func(r *rand.Rand, b []byte) []byte { // a part missing
		from := r.IntN(len(b))
		return slices.Delete(b, from, from+r.IntN(len(b)-from+1))
	},
	func(r *rand.Rand, b []byte) []byte { return append(b, garbage(r, r.IntN(2000))...) },
	func(r *rand.Rand, b []byte) []byte { return append(garbage(r, 1+r.IntN(40)), b...) },
	func(r *rand.Rand, b []byte) []byte { return slices.Concat(b, b) },
	func(r *rand.Rand, b []byte) []byte { return fragmented(b, 1+r.IntN(64)) },
	func(r *rand.Rand, b []byte) []byte { return oversized(b, 1<<(10+r.IntN(8))) },
}

func garbage(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// fragmented splits the content of a record into records of n bytes.
func fragmented(b []byte, n int) (all []byte) {
	if len(b) < 6 {
		return b
	}
	for part := range slices.Chunk(b[5:], n) {
		all = append(all, b[0], b[1], b[2], 0, byte(len(part)))
		all = append(all, part...)
	}
	return all
}

// oversized claims a handshake message of n bytes, and sends many of them in records of full size.
func oversized(b []byte, n int) []byte {
	const full = 1 << 14
	message := append([]byte{1, byte(n >> 16), byte(n >> 8), byte(n)}, make([]byte, n)...)
	copy(message[4:], b[min(len(b), 9):])
	var all []byte
	for part := range slices.Chunk(message, full) {
		all = append(all, 0x16, 3, 1, byte(len(part)>>8), byte(len(part)))
		all = append(all, part...)
	}
	return all
}

// An assault is the message of one hostile client.
type assault struct {
	bytes []byte
	slow  bool // it arrives byte by byte
	reset bool // the client resets the connection after it
}

// assaults returns n messages: the seeds, then mutations of them. Only the keys and random values in
// the seeds differ between runs.
func assaults(n int) []assault {
	r := rand.New(rand.NewPCG(1, 2))
	from := seeds()
	all := make([]assault, n)
	for i := range all {
		if i < len(from) {
			all[i].bytes = from[i]
			continue
		}
		b := slices.Clone(from[r.IntN(len(from))])
		for range 1 + r.IntN(2) {
			if len(b) > 0 {
				b = mutations[r.IntN(len(mutations))](r, b)
			}
		}
		all[i] = assault{b, r.IntN(10) == 0 && len(b) < 1000, r.IntN(20) == 0}
	}
	return all
}
