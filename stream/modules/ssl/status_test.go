package ssl

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"weir/internal/certstatus"
	"weir/internal/certverify"
	"weir/internal/testcert"
	"weir/internal/testwait"
	"weir/stream"
	"weir/stream/offline"
)

// An authority signs certificates, and is an OCSP responder.
type authority struct {
	*testcert.Certificate
	address  *certstatus.Responder
	clock    *offline.Clock
	status   atomic.Int32 // of all certificates
	valid    atomic.Int64 // a time.Duration; 0 for responses without an end
	fails    atomic.Bool
	requests atomic.Int32
	gone     atomic.Int32  // requests whose client has closed the connection
	held     chan struct{} // requests wait until it is closed
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{clock: offline.NewRunningClock(), held: make(chan struct{})}
	a.valid.Store(int64(2 * time.Hour))
	a.Certificate = testcert.SelfSigned(t, "authority")
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	addr := netip.MustParseAddrPort(server.Listener.Addr().String())
	a.address = &certstatus.Responder{Host: addr.Addr().String(), Port: addr.Port()}
	return a
}

// issue returns a certificate of the authority.
func (a *authority) issue(t *testing.T) *x509.Certificate {
	t.Helper()
	return testcert.Issue(t, a.Certificate, testcert.ECKey(t)).Certificate
}

func (a *authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.requests.Add(1)
	select {
	case <-a.held:
	case <-r.Context().Done():
		a.gone.Add(1)
		return
	}
	if a.fails.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	text, _ := url.PathUnescape(path.Base(r.URL.EscapedPath()))
	der, _ := base64.StdEncoding.DecodeString(text)
	request, err := ocsp.ParseRequest(der)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	now := a.clock.Now()
	response := ocsp.Response{Status: int(a.status.Load()), SerialNumber: request.SerialNumber, ThisUpdate: now, RevokedAt: now}
	if valid := time.Duration(a.valid.Load()); valid != 0 {
		response.NextUpdate = now.Add(valid)
	}
	der, err = ocsp.CreateResponse(a.Certificate.Certificate, a.Certificate.Certificate, response, a.Key)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/ocsp-response")
	w.Write(der)
}

// checkerOf returns an open checker that asks the authority, and a session.
func checkerOf(t *testing.T, a *authority, cache *StatusCache) (*StatusChecker, *offline.Session) {
	t.Helper()
	c := &StatusChecker{
		Responder: a.address, Cache: cache, Trust: certstatus.Trust{Store: certverify.NewStore([]*x509.Certificate{a.Certificate.Certificate}, nil)},
	}
	env, _ := offline.NewEnv(a.clock.Now)
	if err := c.Open(t.Context(), env, nil); err != nil {
		t.Fatal(err)
	}
	s := offline.NewSession(t, &stream.Listen{Default: &stream.Server{}})
	s.Env.Now = a.clock.Now
	return c, s
}

// ask begins a question, and returns the channel of its answer.
func ask(t *testing.T, c *StatusChecker, s *offline.Session, chain ...*x509.Certificate) (q *stream.StatusQuery, answered chan struct{}, stop func()) {
	t.Helper()
	q, known := c.Status(s.Session, chain)
	if q == nil {
		t.Fatalf("the status is known: %v", known)
	}
	answered = make(chan struct{}, 1)
	return q, answered, q.Lookup.Begin(func() { answered <- struct{}{} })
}

// TestStatusChecker checks the results for the answers of a responder, and which of them are kept.
func TestStatusChecker(t *testing.T) {
	tests := []struct {
		name   string
		status int
		fails  bool
		want   *stream.VerifyError
		kept   bool
	}{
		{"good", ocsp.Good, false, nil, true},
		{"revoked", ocsp.Revoked, false, errRevoked, true},
		{"unknown", ocsp.Unknown, false, errUnknown, true},
		{"no answer", ocsp.Good, true, errNoStatus, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := newAuthority(t)
			close(a.held)
			a.status.Store(int32(tt.status))
			a.fails.Store(tt.fails)
			c, s := checkerOf(t, a, NewStatusCache("statuses", 1<<16))
			leaf := a.issue(t)
			q, answered, stop := ask(t, c, s, leaf, a.Certificate.Certificate)
			<-answered
			stop()
			if got := q.Result(s.Session); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			if logged := s.Lines.Count("requesting certificate status"); (logged == 1) != tt.fails {
				t.Errorf("got %d problems in the log", logged)
			}
			again, got := c.Status(s.Session, []*x509.Certificate{leaf, a.Certificate.Certificate})
			if (again == nil) != tt.kept || tt.kept && got != tt.want {
				t.Errorf("kept: %v with %v, want %v with %v", again == nil, got, tt.kept, tt.want)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestStatusCheckerNoURL checks certificates without a usable responder.
func TestStatusCheckerNoURL(t *testing.T) {
	a := newAuthority(t)
	c, s := checkerOf(t, a, nil)
	defer c.Close()
	c.Responder = nil
	c.Parse = func(string) (*certstatus.Responder, error) { return nil, errors.New("bad URL") }
	leaf := a.issue(t)
	for _, want := range []string{errNoURL.Error(), "bad URL"} {
		q, answered, stop := ask(t, c, s, leaf, a.Certificate.Certificate)
		<-answered
		stop()
		if got := q.Result(s.Session); got != errNoStatus || s.Lines.Count(want) != 1 {
			t.Errorf("got %v and the log %q, want %q", got, s.Lines.All(), want)
		}
		leaf.OCSPServer = []string{"x"}
	}
}

// TestStatusCheckerChain checks which certificates of a chain are asked for.
func TestStatusCheckerChain(t *testing.T) {
	a := newAuthority(t)
	c, s := checkerOf(t, a, nil)
	defer c.Close()
	leaf := a.issue(t)
	for _, leafOnly := range []bool{false, true} {
		c.LeafOnly = leafOnly
		q, _ := c.Status(s.Session, []*x509.Certificate{leaf, a.Certificate.Certificate, a.Certificate.Certificate})
		if k := q.Lookup.(*statusCheck); k.first != 0 || (k.count == 1) != leafOnly {
			t.Errorf("leaf only: %v, asks for %d to %d", leafOnly, k.first, k.count)
		}
	}
	if q, err := c.Status(s.Session, []*x509.Certificate{a.Certificate.Certificate}); q != nil || err != nil {
		t.Errorf("asks for a trusted certificate: %v, %v", q, err)
	}
}

// TestStatusCheckerShares checks that sessions share a question, which ends with the last of them.
func TestStatusCheckerShares(t *testing.T) {
	a := newAuthority(t)
	c, s := checkerOf(t, a, nil)
	leaf := a.issue(t)
	other := a.issue(t)
	chain := []*x509.Certificate{leaf, a.Certificate.Certificate}
	var stops []func()
	for range 3 {
		_, answered, stop := ask(t, c, s, chain...)
		stops = append(stops, func() {
			stop()
			if len(answered) > 0 {
				t.Error("a session was answered")
			}
		})
	}
	q, answered, stop := ask(t, c, s, other, a.Certificate.Certificate)
	testwait.Eventually(t, "both questions are asked", func() bool { return a.requests.Load() == 2 })
	for i, stop := range stops {
		if a.gone.Load() != 0 {
			t.Errorf("the question ended with session %d", i)
		}
		stop()
	}
	testwait.Eventually(t, "the shared question ends", func() bool { return a.gone.Load() == 1 })
	close(a.held)
	<-answered
	stop()
	if err := q.Result(s.Session); err != nil {
		t.Error(err)
	}
	if err := c.Close(); err != nil || a.requests.Load() != 2 {
		t.Errorf("got %d requests, %v, want 2", a.requests.Load(), err)
	}
	testwait.Eventually(t, "nothing is kept", func() bool { return len(c.inquiries) == 0 })
}

// TestStatusCheckerCloses checks that Close ends questions.
func TestStatusCheckerCloses(t *testing.T) {
	a := newAuthority(t)
	c, s := checkerOf(t, a, nil)
	leaf := a.issue(t)
	_, answered, stop := ask(t, c, s, leaf, a.Certificate.Certificate)
	testwait.Eventually(t, "the question is asked", func() bool { return a.requests.Load() == 1 })
	if err := c.Close(); err != nil || len(answered) > 0 {
		t.Errorf("got %v, answered: %v", err, len(answered) > 0)
	}
	stop()
}

// TestStatusCache checks how long statuses are kept, how many, and by which generations.
func TestStatusCache(t *testing.T) {
	c := NewStatusCache("statuses", 1<<15)
	now := time.Unix(1_000_000_000, 0)
	key := func(i int) certstatus.Key { return certstatus.Key{byte(i), byte(i >> 8)} }
	c.put(key(0), certstatus.Answer{Until: now.Add(-time.Second)}, now)
	c.put(key(1), certstatus.Answer{Until: now.Add(time.Minute), Status: certstatus.Revoked}, now)
	c.put(key(2), certstatus.Answer{}, now)
	for _, tt := range []struct {
		key   int
		after time.Duration
		want  bool
	}{{0, 0, false}, {1, 59 * time.Second, true}, {1, time.Minute, false}, {2, 59 * time.Minute, true}, {2, time.Hour, false}} {
		if _, got := c.get(key(tt.key), now.Add(tt.after)); got != tt.want {
			t.Errorf("key %d after %v: got %v, want %v", tt.key, tt.after, got, tt.want)
		}
	}
	most := c.statuses.most
	for i := range most + 1 {
		c.put(key(i+10), certstatus.Answer{}, now)
	}
	if _, oldest := c.get(key(10), now); oldest || c.statuses.order.Len() != most || len(c.statuses.entries) != most {
		t.Errorf("the oldest is kept: %v, %d in the list, %d entries; want %d", oldest, c.statuses.order.Len(), len(c.statuses.entries), most)
	}
	for size, want := range map[int64]bool{1 << 15: true, 1 << 16: false} {
		next := NewStatusCache("statuses", size)
		if err := next.Open(t.Context(), nil, c); err != nil {
			t.Fatal(err)
		}
		if _, got := next.get(key(11), now); got != want {
			t.Errorf("size %d: kept: %v, want %v", size, got, want)
		}
	}
	var none *StatusCache
	none.put(key(1), certstatus.Answer{}, now)
	if _, ok := none.get(key(1), now); ok {
		t.Error("no cache has a status")
	}
}

// stapleOf returns a staple for a certificate of the authority.
func stapleOf(t *testing.T, a *authority) (*Staple, *offline.Lines) {
	t.Helper()
	leaf := a.issue(t)
	s := &Staple{File: "own.crt", Responder: a.address}
	s.Question = certstatus.Question{Certificate: leaf, Issuer: a.Certificate.Certificate, MustBeGood: true}
	env, lines := offline.NewEnv(a.clock.Now)
	if err := s.Open(t.Context(), env, nil); err != nil {
		t.Fatal(err)
	}
	return s, lines
}

// TestStapleUpdate checks when the responder is asked again, and how long a response is sent.
func TestStapleUpdate(t *testing.T) {
	for valid, want := range map[time.Duration]time.Duration{
		0: time.Hour, 2 * time.Hour: time.Hour, 30 * time.Minute: 25 * time.Minute, 6 * time.Minute: 5 * time.Minute,
	} {
		a := newAuthority(t)
		close(a.held)
		a.valid.Store(int64(valid))
		s, _ := stapleOf(t, a)
		if wait := s.wait(); wait != 0 {
			t.Errorf("waits %v before the first question", wait)
		}
		s.update(context.Background())
		if got := s.wait(); got <= want-2*time.Second || got > want {
			t.Errorf("valid for %v: asks again in %v, want %v", valid, got, want)
		}
		all := Staples{s}
		leaf, other := s.Question.Certificate, a.Certificate.Certificate
		if len(all.Response(leaf)) == 0 || all.Response(other) != nil {
			t.Error("no response, or one for another certificate")
		}
		a.clock.Advance(valid + time.Second)
		if got := all.Response(leaf); (got == nil) != (valid != 0) {
			t.Errorf("valid for %v: sends %d bytes after that", valid, len(got))
		}
	}
}

// TestStapleKeeps checks that a response is sent as long as it is valid, also if the responder fails.
func TestStapleKeeps(t *testing.T) {
	a := newAuthority(t)
	close(a.held)
	s, lines := stapleOf(t, a)
	s.update(context.Background())
	a.status.Store(ocsp.Revoked)
	s.update(context.Background())
	a.fails.Store(true)
	s.update(context.Background())
	if s.response() == nil || s.wait() != soonest {
		t.Errorf("got %d bytes, asks again in %v, want the response and %v", len(s.response()), s.wait(), soonest)
	}
	for _, want := range []string{`certificate status "revoked" in the OCSP response while`, "HTTP status 503 while"} {
		if lines.Count(want) != 1 {
			t.Errorf("the log does not have %s", want)
		}
	}
	if !strings.HasSuffix(strings.TrimSpace(lines.All()[0]), `, certificate: "own.crt"`) {
		t.Errorf("got %q, want the certificate at the end", lines.All()[0])
	}
}

// TestStapleOpen checks that a response is taken over for the same certificate only.
func TestStapleOpen(t *testing.T) {
	a := newAuthority(t)
	close(a.held)
	old, _ := stapleOf(t, a)
	old.update(context.Background())
	other := a.issue(t)
	store := certverify.NewStore([]*x509.Certificate{a.Certificate.Certificate}, nil)
	for name, change := range map[string]func(*Staple){
		"":                    func(*Staple) {},
		"another certificate": func(s *Staple) { s.Question.Certificate = other },
		"another issuer":      func(s *Staple) { s.Question.Issuer = other },
		"with a verification": func(s *Staple) { s.Question.Trust.Store = store },
	} {
		next := &Staple{File: old.File, Responder: old.Responder, Question: old.Question}
		change(next)
		if err := next.Open(t.Context(), old.env, old); err != nil {
			t.Fatal(err)
		}
		if got := next.response() != nil; got != (name == "") {
			t.Errorf("%s: has the response: %v", name, got)
		}
	}
}

// TestStapleRun checks that the responder is asked at once, and that Run ends with its context.
func TestStapleRun(t *testing.T) {
	a := newAuthority(t)
	s, _ := stapleOf(t, a)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); s.Run(ctx) }()
	testwait.Eventually(t, "the responder is asked", func() bool { return a.requests.Load() == 1 })
	cancel()
	<-ended
	if s.current.Load() != nil {
		t.Error("the end has changed the response")
	}
}

// TestStatusCacheAfterTheSystemClockIsSet checks that a status without nextUpdate is used for an hour, even if
// the system clock is set.
func TestStatusCacheAfterTheSystemClockIsSet(t *testing.T) {
	for _, back := range []int{7200, -7200} {
		clock, cache, key := offline.NewRunningClock(), NewStatusCache("statuses", 1<<16), certstatus.Key{}
		cache.put(key, certstatus.Answer{}, clock.Now())
		clock.SetBack(t, back)
		if _, known := cache.get(key, clock.Now()); !known {
			t.Errorf("set back by %d s: the status is not known any more", back)
		}
		clock.Advance(defaultValid)
		if _, known := cache.get(key, clock.Now()); known {
			t.Errorf("set back by %d s: the status is known for more than %v", back, defaultValid)
		}
	}
}
