package certstatus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A Responder is the address of an OCSP responder.
type Responder struct {
	Host  string   // as in its URL
	Port  uint16   // for the addresses of Host
	Path  string   // the rest of the URL
	Addrs []string // known addresses, "ip:port" or "unix:path"
}

// askTimeout is how long one address of a responder has for its response, as in nginx.
const askTimeout = time.Minute

// A Client asks responders. Its fields do not change while it is used.
type Client struct {
	// Resolve looks up the addresses of a host; nil if the configuration has no resolver. Its error is
	// in nginx's words.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	Now     func() time.Time
	Dialer  net.Dialer
}

// A Problem is a message for the log. It ends with nginx's context.
type Problem struct {
	Text      string
	IsWarning bool // else it is an error
}

// ErrNoAnswer is the result of a question that no responder has answered in a way that can be trusted;
// the reasons are the problems.
var ErrNoAnswer = errors.New("certificate status request failed")

// An inquiry is one question to one responder.
type inquiry struct {
	*Client
	question  *Question
	responder *Responder
	peer      string // the address that is asked
	problems  []Problem
}

// Ask asks the responder, at one of its addresses after another until one answers, and verifies the
// answer. It follows ngx_ssl_ocsp_request and ngx_ssl_ocsp_verify.
func (c *Client) Ask(ctx context.Context, r *Responder, q *Question) (Answer, []Problem, error) {
	i := &inquiry{Client: c, question: q, responder: r}
	answer, err := i.ask(ctx)
	return answer, i.problems, err
}

func (i *inquiry) ask(ctx context.Context) (Answer, error) {
	der, err := i.question.request()
	if err != nil {
		i.report(err)
		return Answer{}, ErrNoAnswer
	}
	addrs, ok := i.addresses(ctx)
	if !ok {
		return Answer{}, ErrNoAnswer
	}
	request := httpRequest(i.responder, der)
	for _, addr := range addrs {
		i.peer = addr
		code, body, err := i.exchange(ctx, request)
		if err != nil {
			i.report(err)
			continue
		}
		return i.answer(code, body)
	}
	return Answer{}, ErrNoAnswer
}

func (i *inquiry) answer(code int, body []byte) (Answer, error) {
	if code != 200 {
		i.report(fmt.Errorf("OCSP responder sent HTTP status %d", code))
		return Answer{}, ErrNoAnswer
	}
	answer, err := i.question.verify(body, i.Now())
	if err == nil && i.question.MustBeGood && answer.Status != Good {
		err = fmt.Errorf("certificate status \"%v\" in the OCSP response", answer.Status)
	}
	if err != nil {
		i.report(err)
		return Answer{}, ErrNoAnswer
	}
	return answer, nil
}

// report adds a problem, in nginx's words and with the context of ngx_ssl_ocsp_log_error.
func (i *inquiry) report(err error) { i.add(err.Error(), false) }

func (i *inquiry) add(text string, isWarning bool) {
	text += " while requesting certificate status, responder: " + i.responder.Host
	if i.peer != "" {
		text += ", peer: " + i.peer
	}
	i.problems = append(i.problems, Problem{text, isWarning})
}

// addresses returns the addresses of the responder. As in nginx, a name is looked up if there is a
// resolver.
func (i *inquiry) addresses(ctx context.Context) ([]string, bool) {
	r := i.responder
	if ip, err := netip.ParseAddr(strings.Trim(r.Host, "[]")); err == nil {
		return []string{netip.AddrPortFrom(ip, r.Port).String()}, true
	}
	if i.Resolve == nil {
		i.add("no resolver defined to resolve "+r.Host, len(r.Addrs) > 0)
		return r.Addrs, len(r.Addrs) > 0
	}
	ips, err := i.Resolve(ctx, r.Host)
	if err != nil {
		i.report(fmt.Errorf("%s could not be resolved (%w)", r.Host, err))
		return nil, false
	}
	addrs := make([]string, len(ips))
	for n, ip := range ips {
		addrs[n] = netip.AddrPortFrom(ip, r.Port).String()
	}
	return addrs, true
}

// exchange sends the request and returns the code and the body of the response.
func (i *inquiry) exchange(ctx context.Context, request []byte) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	network, addr := "tcp", i.peer
	if path, isUnix := strings.CutPrefix(addr, "unix:"); isUnix {
		network, addr = "unix", path
	}
	conn, err := i.Dialer.DialContext(ctx, network, addr)
	if err != nil {
		return 0, nil, i.failure(ctx, "connect() to "+i.peer+" failed", err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	if _, err := conn.Write(request); err != nil {
		return 0, nil, i.failure(ctx, "send() failed", err)
	}
	return i.receive(ctx, conn)
}

// failure returns nginx's sentence about a failed call.
func (i *inquiry) failure(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		what, err = "OCSP responder timed out", syscall.ETIMEDOUT
	}
	return errors.New(what + systemError(err))
}

// receive reads a response, until it is complete or the responder closes the connection.
func (i *inquiry) receive(ctx context.Context, conn io.Reader) (int, []byte, error) {
	data := make([]byte, 0, maxResponse)
	for {
		n, err := conn.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, nil, i.failure(ctx, "recv() failed", err)
		}
		h, complete, bad := parseHead(data)
		body := data[h.size:]
		switch {
		case bad != nil:
			return 0, nil, bad
		case complete && h.length >= 0 && len(body) >= h.length:
			return h.code, body[:h.length], nil
		case err != nil && complete && h.length < 0:
			return h.code, body, nil
		case err != nil:
			return 0, nil, errPremature
		case len(data) == cap(data):
			return 0, nil, errTooLarge
		}
	}
}

// systemError returns what nginx logs after a message: " (111: Connection refused)".
func systemError(err error) string {
	errno, ok := errors.AsType[syscall.Errno](err)
	if !ok {
		return " (" + err.Error() + ")"
	}
	text := errno.Error()
	return " (" + strconv.Itoa(int(errno)) + ": " + strings.ToUpper(text[:1]) + text[1:] + ")"
}
