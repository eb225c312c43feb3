package conformance

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"weir/conformance/peers"
)

func (r *run) dial(args []string) error {
	options, err := parseOptions(args[2:], "from")
	if err != nil {
		return err
	}
	c, err := dialAddr(args[1], options["from"])
	if err != nil {
		return err
	}
	if old, again := r.clients[args[0]]; again {
		old.Close()
	}
	r.clients[args[0]] = c
	r.cleanup(func() { c.Close() })
	return c.SetDeadline(time.Now().Add(patience))
}

// crowd dials n connections and pings each, so that all of them are sessions.
func (r *run) crowd(args []string) error {
	n, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	for i := range n {
		name := fmt.Sprintf("%s%d", args[0], i+1)
		if err := r.dial([]string{name, args[1]}); err != nil {
			return err
		}
		if err := r.ping([]string{name, "hello"}); err != nil {
			return fmt.Errorf("connection %d: %w", i+1, err)
		}
	}
	return nil
}

// dialAddr connects to ":PORT" on loopback, "HOST:PORT" or "unix:PATH", from the given address unless it is empty.
func dialAddr(addr, from string) (net.Conn, error) {
	d := net.Dialer{Timeout: patience}
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		return d.Dial("unix", path)
	}
	if strings.HasPrefix(addr, ":") {
		addr = "127.0.0.1" + addr
	}
	if from != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	return d.Dial("tcp", addr)
}

func (r *run) mqttConnect(args []string) error {
	options, err := parseOptions(args[2:], "id", "user", "pass", "level", "from", "bytewise")
	if err != nil {
		return err
	}
	packet := peers.Connect{Level: 4, ClientID: options["id"], Username: options["user"], Password: options["pass"]}
	if level := options["level"]; level != "" {
		n, err := strconv.ParseUint(level, 10, 8)
		if err != nil {
			return err
		}
		packet.Level = byte(n)
	}
	dial := args[:2:2]
	if from := options["from"]; from != "" {
		dial = append(dial, "from="+from)
	}
	if err := r.dial(dial); err != nil {
		return err
	}
	if err := write(r.clients[args[0]], packet.Bytes(), options["bytewise"] != ""); err != nil {
		return err
	}
	return r.expect([]string{args[0], string(peers.Connack(packet.Level))})
}

// bytePause separates writes, so that each byte travels in its own segment.
const bytePause = time.Millisecond

func write(c net.Conn, data []byte, bytewise bool) error {
	if !bytewise {
		_, err := c.Write(data)
		return err
	}
	for i := range data {
		if _, err := c.Write(data[i : i+1]); err != nil {
			return err
		}
		time.Sleep(bytePause)
	}
	return nil
}

func (r *run) send(args []string) error {
	c, err := r.client(args[0])
	if err != nil {
		return err
	}
	options, err := parseOptions(args[2:], "bytewise")
	if err != nil {
		return err
	}
	return write(c, []byte(args[1]), options["bytewise"] != "")
}

func (r *run) sendN(args []string) error {
	data, err := filler(args[1])
	if err != nil {
		return err
	}
	return r.send([]string{args[0], data})
}

// filler returns the number of bytes given by text.
func filler(text string) (string, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return "", fmt.Errorf("%q is no number of bytes", text)
	}
	return strings.Repeat("x", n), nil
}

func (r *run) expect(args []string) error {
	c, err := r.client(args[0])
	if err != nil {
		return err
	}
	want := []byte(args[1])
	got := make([]byte, len(want))
	n, err := io.ReadFull(c, got)
	if !bytes.Equal(got[:n], want) {
		return fmt.Errorf("got %q, want %q (%v)", got[:n], want, err)
	}
	return nil
}

func (r *run) expectN(args []string) error {
	data, err := filler(args[1])
	if err != nil {
		return err
	}
	return r.expect([]string{args[0], data})
}

func (r *run) ping(args []string) error {
	if err := r.send(args); err != nil {
		return err
	}
	return r.expect(args)
}

func (r *run) eof(args []string) error {
	return r.end(args[0], func(err error) bool { return errors.Is(err, io.EOF) })
}

func (r *run) reset(args []string) error {
	return r.end(args[0], func(err error) bool { return errors.Is(err, syscall.ECONNRESET) })
}

func (r *run) closed(args []string) error {
	return r.end(args[0], func(err error) bool {
		return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)
	})
}

// end reads once more: only the expected end may arrive.
func (r *run) end(name string, meant func(error) bool) error {
	c, err := r.client(name)
	if err != nil {
		return err
	}
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	b := make([]byte, 512)
	n, err := c.Read(b)
	if n > 0 || !meant(err) {
		return fmt.Errorf("got %q, %v", b[:n], err)
	}
	return nil
}

func (r *run) closeClients(args []string) error {
	for _, name := range args {
		c, err := r.client(name)
		if err != nil {
			return err
		}
		if err := c.Close(); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) abort(args []string) error {
	c, err := r.client(args[0])
	if err != nil {
		return err
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		err = tcp.SetLinger(0)
	}
	return errors.Join(err, c.Close())
}

func (r *run) trickle(args []string) error {
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	interval, err := time.ParseDuration(args[2])
	if err != nil {
		return err
	}
	for range n {
		time.Sleep(interval)
		if err := r.ping([]string{args[0], "x"}); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) closeWrite(args []string) error {
	c, err := r.client(args[0])
	if err != nil {
		return err
	}
	half, ok := c.(interface{ CloseWrite() error })
	if !ok {
		return fmt.Errorf("%T cannot close one direction", c)
	}
	return half.CloseWrite()
}

func (r *run) refuses(args []string) error {
	c, err := dialAddr(args[0], "")
	if err == nil {
		c.Close()
		return fmt.Errorf("%s took a connection", args[0])
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return nil
	}
	return err
}

func (r *run) who(args []string) error {
	var met []string
	for range args[1:] {
		name, err := greeting(args[0])
		if err != nil {
			return fmt.Errorf("after %v: %w", met, err)
		}
		met = append(met, name)
	}
	return compareLines(met, args[1:])
}

// greeting connects and reads the line that a named peer sends first.
func greeting(addr string) (string, error) {
	c, err := dialAddr(addr, "")
	if err != nil {
		return "", err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	var line []byte
	for b := make([]byte, 1); ; {
		if _, err := c.Read(b); err != nil {
			return "", err
		}
		if b[0] == '\n' {
			return string(line), nil
		}
		line = append(line, b[0])
	}
}

// parseOptions reads NAME=VALUE words and accepts only the given names.
func parseOptions(words []string, names ...string) (map[string]string, error) {
	options := map[string]string{}
	for _, word := range words {
		name, value, ok := strings.Cut(word, "=")
		if !ok || !slices.Contains(names, name) {
			return nil, fmt.Errorf("unknown option %q", word)
		}
		options[name] = value
	}
	return options, nil
}
