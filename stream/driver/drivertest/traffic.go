package drivertest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"syscall"
	"testing"
	"time"
)

// pattern returns a stream of bytes that depends on the seed.
func pattern(seed uint64) io.Reader {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	return rand.NewChaCha8(key)
}

// A pacing is the pacing of one end: pieces of up to max bytes, with a pause after one in every.
type pacing struct {
	seed  uint64
	max   int
	every int // 0 disables the pauses
	pause time.Duration
}

// run calls step with the length of each piece until total bytes are done.
func (g pacing) run(total int, step func(n int) error) error {
	rnd := rand.New(rand.NewPCG(g.seed, 7))
	for total > 0 {
		n := min(1+rnd.IntN(g.max), total)
		if err := step(n); err != nil {
			return err
		}
		total -= n
		if g.every > 0 && rnd.IntN(g.every) == 0 {
			time.Sleep(time.Duration(rnd.Int64N(int64(g.pause))))
		}
	}
	return nil
}

// write writes the first total bytes of a pattern.
func (g pacing) write(to io.Writer, seed uint64, total int) error {
	from, b := pattern(seed), make([]byte, g.max)
	return g.run(total, func(n int) error {
		io.ReadFull(from, b[:n])
		_, err := to.Write(b[:n])
		return err
	})
}

// expect reads total bytes, which must be those of the pattern.
func (g pacing) expect(from io.Reader, seed uint64, total int) error {
	want, got, wanted, at := pattern(seed), make([]byte, g.max), make([]byte, g.max), 0
	return g.run(total, func(n int) error {
		if m, err := io.ReadFull(from, got[:n]); err != nil {
			return fmt.Errorf("after %d of %d bytes: %w", at+m, total, err)
		}
		io.ReadFull(want, wanted[:n])
		if !bytes.Equal(got[:n], wanted[:n]) {
			return fmt.Errorf("other bytes than were sent, between %d and %d", at, at+n)
		}
		at += n
		return nil
	})
}

// unpaced is the pacing of an end without pauses.
var unpaced = pacing{max: 64 << 10}

// expectEnd reads the end of the stream, and nothing before it.
func expectEnd(from io.Reader) error {
	var b [16]byte
	n, err := from.Read(b[:])
	if n > 0 || err != io.EOF {
		return fmt.Errorf("got %q, %v; want the end", b[:n], err)
	}
	return nil
}

// expectReset reads until the connection is reset.
func expectReset(from io.Reader) error {
	_, err := io.Copy(io.Discard, from)
	if !errors.Is(err, syscall.ECONNRESET) {
		return fmt.Errorf("got %v, want a reset", err)
	}
	return nil
}

// reset closes a connection with RST.
func reset(c net.Conn) {
	c.(*net.TCPConn).SetLinger(0)
	c.Close()
}

// send writes text, and expect reads it at the other end.
func send(t testing.TB, to io.Writer, text string) {
	t.Helper()
	if _, err := io.WriteString(to, text); err != nil {
		t.Fatal(err)
	}
}

func expect(t testing.TB, from io.Reader, text string) {
	t.Helper()
	b := make([]byte, len(text))
	if n, err := io.ReadFull(from, b); err != nil || string(b) != text {
		t.Fatalf("got %q, %v; want %q", b[:n], err, text)
	}
}

// must fails the test at once.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// concurrently runs all tasks at once, and fails the test with the errors.
func concurrently(t testing.TB, tasks ...func() error) {
	t.Helper()
	results := make(chan error)
	for _, task := range tasks {
		go func() { results <- task() }()
	}
	for range tasks {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}
