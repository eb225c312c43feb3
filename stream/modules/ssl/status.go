package ssl

import (
	"context"
	"crypto/x509"
	"errors"
	"sync"

	"weir/internal/certstatus"
	"weir/stream"
)

// A StatusChecker asks OCSP responders for the status of client certificates: ssl_ocsp of one server.
// Its exported fields do not change after Open. Sessions that need the status of the same certificate
// at the same time share the question.
type StatusChecker struct {
	Server    string                                          // identifies the server in the configuration
	LeafOnly  bool                                            // ssl_ocsp leaf
	Responder *certstatus.Responder                           // ssl_ocsp_responder; nil asks the responder in the certificate
	Parse     func(url string) (*certstatus.Responder, error) // reads the URL in a certificate
	Trust     certstatus.Trust                                // without Others, which are the client's chain
	Cache     *StatusCache
	Names     Names

	client  *certstatus.Client
	ctx     context.Context // ends with Close
	cancel  context.CancelFunc
	running sync.WaitGroup
	places  chan struct{} // has an element for each question that is being asked

	mu        sync.Mutex
	inquiries map[inquiryKey]*inquiry
}

// maxInquiries is how many questions of one server are asked at the same time. Others wait.
const maxInquiries = 64

// The results of ngx_ssl_ocsp_get_status.
var (
	errNoStatus = &stream.VerifyError{Text: "certificate status request failed"}
	errRevoked  = &stream.VerifyError{Text: "certificate revoked"}
	errUnknown  = &stream.VerifyError{Text: "certificate status unknown"}
)

// Key implements stream.Part.
func (c *StatusChecker) Key() string { return "ssl_ocsp " + c.Server }

// Open implements stream.Part.
func (c *StatusChecker) Open(_ context.Context, env *stream.Env, _ stream.Part) error {
	c.client = c.Names.client(env)
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.places, c.inquiries = make(chan struct{}, maxInquiries), map[inquiryKey]*inquiry{}
	return nil
}

// Close ends all questions, and waits until no goroutine asks.
func (c *StatusChecker) Close() error {
	c.cancel()
	c.running.Wait()
	return nil
}

// Status begins the question for the certificates of a verified chain, its last one excluded. If the
// cache has all that is needed, it returns the result. It follows ngx_ssl_ocsp_validate_next.
func (c *StatusChecker) Status(s *stream.Session, chain []*x509.Certificate) (*stream.StatusQuery, *stream.VerifyError) {
	k := &statusCheck{checker: c, chain: chain, count: len(chain) - 1}
	if c.LeafOnly {
		k.count = min(k.count, 1)
	}
	for ; k.first < k.count; k.first++ {
		key, err := k.question(k.first).Key()
		status, known := c.Cache.get(key, s.Env.Now())
		switch {
		case err != nil || !known:
			return &stream.StatusQuery{Lookup: k, Result: k.result}, nil
		case status != certstatus.Good:
			return nil, verifyError(status)
		}
	}
	return nil, nil
}

// verifyError returns the result for a status; nil for a good one.
func verifyError(s certstatus.Status) *stream.VerifyError {
	switch s {
	case certstatus.Good:
		return nil
	case certstatus.Revoked:
		return errRevoked
	}
	return errUnknown
}

// A statusCheck is the question of one session about the certificates first to count of its chain.
type statusCheck struct {
	checker      *StatusChecker
	chain        []*x509.Certificate
	first, count int
	outcome      outcome // once the check has answered
}

// An outcome is the result of a statusCheck.
type outcome struct {
	err      *stream.VerifyError
	reason   error                // why no responder was asked
	problems []certstatus.Problem // while asking
}

// Begin implements stream.Lookup.
func (k *statusCheck) Begin(answered func()) (stop func()) {
	c := k.checker
	ctx, cancel := context.WithCancel(c.ctx)
	var mu sync.Mutex
	c.running.Go(func() {
		found := k.run(ctx)
		mu.Lock()
		defer mu.Unlock()
		if ctx.Err() == nil {
			k.outcome = found
			answered()
		}
	})
	return func() {
		mu.Lock()
		defer mu.Unlock()
		cancel()
	}
}

// result logs the problems and returns the result.
func (k *statusCheck) result(s *stream.Session) *stream.VerifyError {
	for _, p := range k.outcome.problems {
		s.LogPlain(levelOf(p), p.Text)
	}
	if k.outcome.reason != nil {
		s.Log(stream.LevelError, k.outcome.reason.Error(), nil)
	}
	return k.outcome.err
}

// run asks for one certificate after another, until one is not good.
func (k *statusCheck) run(ctx context.Context) (o outcome) {
	for i := k.first; i < k.count && o.err == nil; i++ {
		k.ask(ctx, k.question(i), &o)
	}
	return o
}

func (k *statusCheck) question(i int) *certstatus.Question {
	trust := k.checker.Trust
	trust.Others = k.chain
	return &certstatus.Question{Certificate: k.chain[i], Issuer: k.chain[i+1], Trust: trust}
}

// ask adds the result for one certificate to the outcome.
func (k *statusCheck) ask(ctx context.Context, q *certstatus.Question, o *outcome) {
	c := k.checker
	responder, err := c.responder(q.Certificate)
	if err != nil {
		o.err, o.reason = errNoStatus, err
		return
	}
	key, err := q.Key()
	if err != nil {
		o.err = errNoStatus
		return
	}
	if status, known := c.Cache.get(key, c.client.Now()); known {
		o.err = verifyError(status)
		return
	}
	answer, problems, err := c.inquire(ctx, inquiryKey{key, responder.Host, responder.Path, responder.Port}, responder, q)
	o.problems = append(o.problems, problems...)
	if o.err = verifyError(answer.Status); err != nil {
		o.err = errNoStatus
	}
}

var errNoURL = errors.New("no OCSP responder URL in certificate")

// responder returns the responder of a certificate. It follows ngx_ssl_ocsp_responder.
func (c *StatusChecker) responder(cert *x509.Certificate) (*certstatus.Responder, error) {
	switch {
	case c.Responder != nil:
		return c.Responder, nil
	case len(cert.OCSPServer) == 0:
		return nil, errNoURL
	}
	return c.Parse(cert.OCSPServer[0])
}

// An inquiryKey identifies a question to a responder.
type inquiryKey struct {
	key        certstatus.Key
	host, path string
	port       uint16
}

// An inquiry is a question that is being asked. Its result is valid when done is closed.
type inquiry struct {
	cancel  context.CancelFunc
	waiting int // sessions
	done    chan struct{}

	answer   certstatus.Answer
	problems []certstatus.Problem
	err      error
}

// inquire asks a responder, or waits for the answer to the same question of another session.
func (c *StatusChecker) inquire(
	ctx context.Context, key inquiryKey, r *certstatus.Responder, q *certstatus.Question,
) (certstatus.Answer, []certstatus.Problem, error) {
	i := c.join(key, r, q)
	defer c.leave(key, i)
	select {
	case <-i.done:
		return i.answer, i.problems, i.err
	case <-ctx.Done():
		return certstatus.Answer{}, nil, ctx.Err()
	}
}

// join returns the inquiry for the key, which it begins if there is none.
func (c *StatusChecker) join(key inquiryKey, r *certstatus.Responder, q *certstatus.Question) *inquiry {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.inquiries[key]
	if i == nil {
		i = &inquiry{done: make(chan struct{})}
		var ctx context.Context
		ctx, i.cancel = context.WithCancel(c.ctx)
		c.inquiries[key] = i
		c.running.Go(func() { c.run(ctx, key, i, r, q) })
	}
	i.waiting++
	return i
}

// leave ends an inquiry that no session waits for.
func (c *StatusChecker) leave(key inquiryKey, i *inquiry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i.waiting--; i.waiting == 0 {
		i.cancel()
		c.forget(key, i)
	}
}

// forget makes later sessions ask again. The lock is held.
func (c *StatusChecker) forget(key inquiryKey, i *inquiry) {
	if c.inquiries[key] == i {
		delete(c.inquiries, key)
	}
}

// run asks the responder, and keeps the answer.
func (c *StatusChecker) run(ctx context.Context, key inquiryKey, i *inquiry, r *certstatus.Responder, q *certstatus.Question) {
	defer close(i.done)
	select {
	case c.places <- struct{}{}:
	case <-ctx.Done():
		i.err = ctx.Err()
		return
	}
	i.answer, i.problems, i.err = c.client.Ask(ctx, r, q)
	<-c.places
	if i.err == nil {
		c.Cache.put(key.key, i.answer, c.client.Now())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forget(key, i)
}
