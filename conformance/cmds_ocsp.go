package conformance

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ocsp"
)

// A responder answers OCSP requests as its behaviour demands.
type responder struct {
	server   *http.Server
	addr     string
	mu       sync.Mutex
	requests int
	behave   func(w http.ResponseWriter, serial *big.Int)
	changed  chan struct{} // closed when behave is replaced
}

// startResponder returns the address of a responder; the first use of a name starts it.
func (r *run) startResponder(args []string) (string, error) {
	name := joinArgs(args)
	if known, ok := r.responders[name]; ok {
		return known.addr, nil
	}
	return onFreeAddr(func(addr string) error {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return err
		}
		started := &responder{addr: addr}
		started.server = &http.Server{Handler: started}
		go started.server.Serve(l)
		r.responders[name] = started
		r.cleanup(func() { started.server.Close() })
		return nil
	})
}

func (r *run) responderPort(args []string) (string, error) {
	addr, err := r.startResponder(args)
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(addr)
	return port, err
}

// ServeHTTP implements http.Handler.
func (d *responder) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	d.mu.Lock()
	d.requests++
	d.mu.Unlock()
	serial, err := serialOf(request)
	behave := d.behaviour(request.Context())
	if err != nil || behave == nil {
		http.Error(w, fmt.Sprint(err), http.StatusBadRequest)
		return
	}
	behave(w, serial)
}

// behaviour returns the present behaviour; as long as that is to hold requests, it waits for another.
func (d *responder) behaviour(ctx context.Context) func(http.ResponseWriter, *big.Int) {
	for {
		d.mu.Lock()
		behave, changed := d.behave, d.changed
		d.mu.Unlock()
		if changed == nil {
			return behave
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

// serialOf returns the serial number of the certificate that a request is about.
func serialOf(request *http.Request) (*big.Int, error) {
	if request.Proto != "HTTP/1.0" || request.Method != http.MethodGet {
		return nil, fmt.Errorf("%s in %s", request.Method, request.Proto)
	}
	path := request.URL.EscapedPath()
	text, err := url.PathUnescape(path[strings.LastIndexByte(path, '/')+1:])
	if err != nil {
		return nil, err
	}
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	parsed, err := ocsp.ParseRequest(der)
	if err != nil {
		return nil, err
	}
	return parsed.SerialNumber, nil
}

func (r *run) responder(name string) (*responder, error) {
	d, ok := r.responders[name]
	if !ok {
		return nil, fmt.Errorf("no responder %q", name)
	}
	return d, nil
}

// responds sets what a responder answers from now on.
func (r *run) responds(args []string) error {
	d, err := r.responder(args[0])
	if err != nil {
		return err
	}
	options, err := parseOptions(args[1:], "by", "signer", "embed", "status", "from", "until", "serial", "as")
	if err != nil {
		return err
	}
	var s *signing
	if options["by"] != "" {
		if s, err = r.newSigning(options); err != nil {
			return err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.changed != nil {
		close(d.changed)
		d.changed = nil
	}
	if options["as"] == "held" {
		d.changed = make(chan struct{})
		return nil
	}
	d.behave, err = behaviour(options["as"], s)
	return err
}

const ocspType = "application/ocsp-response"

// behaviour returns the behaviour of that name; the default one sends responses.
func behaviour(name string, s *signing) (func(http.ResponseWriter, *big.Int), error) {
	send := func(kind string, code int, body []byte) func(http.ResponseWriter, *big.Int) {
		return func(w http.ResponseWriter, _ *big.Int) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(code)
			w.Write(body)
		}
	}
	switch name {
	case "":
		if s == nil {
			return nil, errors.New("want by=NAME")
		}
		return s.answer, nil
	case "busy":
		return send(ocspType, http.StatusOK, ocsp.TryLaterErrorResponse), nil
	case "html":
		return send("text/html", http.StatusOK, []byte("<html>")), nil
	case "error":
		return send(ocspType, http.StatusInternalServerError, nil), nil
	case "garbage":
		return send(ocspType, http.StatusOK, []byte("garbage")), nil
	case "huge":
		return send(ocspType, http.StatusOK, bytes.Repeat([]byte{'0'}, 1<<20)), nil
	case "silent":
		return func(w http.ResponseWriter, _ *big.Int) { awaitClose(w) }, nil
	case "closing":
		return func(w http.ResponseWriter, _ *big.Int) { sendRaw(w, "") }, nil
	case "raw":
		return func(w http.ResponseWriter, _ *big.Int) { sendRaw(w, "hello\r\n\r\n") }, nil
	}
	return nil, fmt.Errorf("unknown behaviour %q", name)
}

// sendRaw writes data to the connection, and closes it.
func sendRaw(w http.ResponseWriter, data string) {
	if c, _, err := w.(http.Hijacker).Hijack(); err == nil {
		io.WriteString(c, data)
		c.Close()
	}
}

// awaitClose waits until the client closes the connection.
func awaitClose(w http.ResponseWriter) {
	if c, _, err := w.(http.Hijacker).Hijack(); err == nil {
		io.Copy(io.Discard, c)
		c.Close()
	}
}

// signing makes responses.
type signing struct {
	issuer, signer *x509.Certificate
	key            crypto.Signer
	template       ocsp.Response
}

func (r *run) newSigning(options map[string]string) (s *signing, err error) {
	s = &signing{}
	if s.issuer, s.key, err = r.issuer(options["by"]); err != nil {
		return nil, err
	}
	s.signer = s.issuer
	if name := options["signer"]; name != "" {
		if s.signer, s.key, err = r.issuer(name); err != nil {
			return nil, err
		}
	}
	if options["embed"] != "no" {
		s.template.Certificate = s.signer
	}
	states := map[string]int{"": ocsp.Good, "good": ocsp.Good, "revoked": ocsp.Revoked, "unknown": ocsp.Unknown}
	state, known := states[options["status"]]
	if !known {
		return nil, fmt.Errorf("unknown status %q", options["status"])
	}
	s.template.Status, s.template.RevokedAt = state, time.Now()
	if text := options["serial"]; text != "" {
		s.template.SerialNumber, _ = new(big.Int).SetString(text, 10)
	}
	if s.template.ThisUpdate, err = shifted(cmp.Or(options["from"], "0s")); err != nil {
		return nil, err
	}
	if options["until"] != "never" {
		s.template.NextUpdate, err = shifted(cmp.Or(options["until"], "1h"))
	}
	return s, err
}

// shifted returns the time after a duration from now.
func shifted(text string) (time.Time, error) {
	d, err := time.ParseDuration(text)
	return time.Now().Add(d), err
}

func (s *signing) answer(w http.ResponseWriter, serial *big.Int) {
	response := s.template
	if response.SerialNumber == nil {
		response.SerialNumber = serial
	}
	der, err := ocsp.CreateResponse(s.issuer, s.signer, response, s.key)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", ocspType)
	w.Write(der)
}

// requested waits until a responder has received a number of requests.
func (r *run) requested(args []string) error {
	d, err := r.responder(args[0])
	if err != nil {
		return err
	}
	return poll(func() error {
		d.mu.Lock()
		defer d.mu.Unlock()
		if got := strconv.Itoa(d.requests); got != args[1] {
			return fmt.Errorf("got %s requests, want %s", got, args[1])
		}
		return nil
	})
}

// staple compares the status in the OCSP response that the server has sent.
func (r *run) staple(args []string) error {
	c, err := r.tlsClient(args[0])
	if err != nil {
		return err
	}
	got, der := "none", c.ConnectionState().OCSPResponse
	if len(der) > 0 {
		parsed, err := ocsp.ParseResponse(der, nil)
		if err != nil {
			return err
		}
		got = map[int]string{ocsp.Good: "good", ocsp.Revoked: "revoked", ocsp.Unknown: "unknown"}[parsed.Status]
	}
	if got != args[1] {
		return fmt.Errorf("got %s, want %s", got, args[1])
	}
	return nil
}
