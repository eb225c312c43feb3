package web

import (
	"io"
	"net/http"
	"strings"
	"time"

	"weir/internal/hostname"
	"weir/internal/regex"
)

// A Request is a request that is being served. It belongs to one goroutine.
type Request struct {
	HTTP     *http.Request
	Writer   *Writer
	Conn     *Conn
	Env      *Env
	Server   *Server
	Location *Location // the settings that apply: of a location, or of a block within it
	Matched  *Location // the location that the URI selected; nil before
	Start    time.Time

	URI    string // the path: decoded, changed by rewrites and internal redirects
	Args   string
	Method string // GET after an error page was selected
	Host   string // normalized; empty if the request has none
	User   string // of HTTP authentication

	target    Target // as received
	listen    *Listen
	zone      *Zone // of the server; nil without one
	status    int   // of the response; 0 before
	override  int   // the status of an error page instead of its own
	errorPage bool
	moved     bool // a rewrite has changed the URI, whose location is to be found
	changes   int  // of the URI, by rewrites and internal redirects
	internal  bool // the URI has been changed
	values    []kept
	depth     int
	captures  regex.Captures // of the latest match
}

// An Outcome is the result of a step of a request.
type Outcome struct {
	kind   outcomeKind
	status int
	uri    string
	args   string
}

type outcomeKind uint8

const (
	kindNext outcomeKind = iota
	kindDone
	kindStatus
	kindRedirect
	kindNamed
	kindLocation
	kindBreak
)

// Next continues with the next step.
func Next() Outcome { return Outcome{} }

// Done means that the response has been written.
func Done() Outcome { return Outcome{kind: kindDone} }

// Break ends the rewriting in a block.
func Break() Outcome { return Outcome{kind: kindBreak} }

// Status answers with the page of a status, or the error page for it.
func Status(status int) Outcome { return Outcome{kind: kindStatus, status: status} }

// Redirect continues with another URI.
func Redirect(uri, args string) Outcome { return Outcome{kind: kindRedirect, uri: uri, args: args} }

// NamedLocation continues in a named location; the name has its @.
func NamedLocation(name string) Outcome { return Outcome{kind: kindNamed, uri: name} }

// MovedTo answers with a redirect of that status; uri is the Location header.
func MovedTo(status int, uri string) Outcome {
	return Outcome{kind: kindLocation, status: status, uri: uri}
}

// maxChanges is the number of rewrites with another location and of internal redirects, together, that a request may
// have in nginx.
const maxChanges = 10

// Serve answers a request that arrived at l by the connection c. It follows ngx_http_process_request.
func Serve(env *Env, l *Listen, c *Conn, w http.ResponseWriter, h *http.Request) {
	c.Requests++
	env.Counters.Requests.Add(1)
	r := &Request{
		HTTP: h, Conn: c, Env: env, Start: env.Now(), Method: h.Method, listen: l, Server: l.Default, Location: l.Default.Base,
	}
	r.Writer = &Writer{r: r, to: w, header: w.Header()}
	panics := true
	defer func() {
		if panics {
			r.abandon()
		}
		r.end()
	}()
	r.finish(r.begin())
	panics = false
}

// abandon leaves the response as it is, since a panic closes the connection. The status is for the logs.
func (r *Request) abandon() {
	r.Writer.begun, r.status = true, http.StatusInternalServerError
}

// end completes the response and writes the logs.
func (r *Request) end() {
	r.Writer.complete()
	r.countInZones()
	for _, l := range r.Location.Loggers {
		l.Log(r)
	}
}

// begin selects the server, parses the target and runs the phases.
func (r *Request) begin() Outcome {
	o := r.selectServer()
	r.enterZone()
	r.Conn.WriteWithin(r.Location.Settings.SendTimeout)
	if o.kind != kindNext {
		return o
	}
	r.URI, r.Args = r.target.Path, r.target.Args
	if status := r.checkTLS(); status != 0 {
		return Status(status)
	}
	return r.phases()
}

// selectServer parses the target and selects the server by the host that it or the Host header names.
func (r *Request) selectServer() Outcome {
	text := r.HTTP.RequestURI
	switch {
	case r.Method == http.MethodConnect || text == "*":
		return r.badRequest("client sent invalid request")
	case r.Method == http.MethodTrace:
		r.LogInfo("client sent TRACE method")
		return Status(http.StatusMethodNotAllowed)
	}
	target, err := ParseTarget(text, r.Server.MergeSlashes)
	if err != nil {
		return r.badRequest("client sent invalid request")
	}
	host := target.Host
	if host == "" {
		host = r.HTTP.Host
	}
	if host != "" {
		name, ok := hostname.Normalize(host)
		if !ok {
			return r.badRequest("client sent invalid host header")
		}
		r.Host = name
	}
	r.Server = r.listen.Find(r, r.Host)
	r.Location = r.Server.Base
	if !r.Server.MergeSlashes {
		target, _ = ParseTarget(text, false)
	}
	r.target = target
	return Next()
}

func (r *Request) badRequest(why string) Outcome {
	r.LogInfo(why)
	return Status(http.StatusBadRequest)
}

// phases runs the phases for the request's URI, from the rewriting by the server on.
func (r *Request) phases() Outcome {
	r.Location, r.Matched = r.Server.Base, nil
	if o := r.rewrite(r.Server.Rewrite); o.kind != kindNext {
		return o
	}
	at, _ := r.Server.Locations.find(r, r.Server.Base)
	return r.enter(at)
}

// enter runs the phases in a location, and in those that its rewrites select.
func (r *Request) enter(at *Location) Outcome {
	for {
		r.moved = false
		if o := r.admit(at); o.kind != kindNext {
			return o
		}
		if o := r.rewrite(r.Location.Rewrite); o.kind != kindNext {
			return o
		}
		if !r.moved {
			return r.content()
		}
		if !r.mayChange() {
			r.LogError("rewrite or internal redirection cycle while processing \"" + r.URI + "\"")
			return Status(http.StatusInternalServerError)
		}
		at, _ = r.Server.Locations.find(r, r.Server.Base)
	}
}

// mayChange counts a change of the URI, and reports whether there have not been too many.
func (r *Request) mayChange() bool {
	r.changes++
	return r.changes <= maxChanges
}

// content runs the phases from access on.
func (r *Request) content() Outcome {
	if o := r.checkAccess(); o.kind != kindNext {
		return o
	}
	if t := r.Location.Try; t != nil {
		if o := t.Try(r); o.kind != kindNext {
			return o
		}
	}
	if c := r.Location.Content; c != nil {
		return c.Serve(r)
	}
	return r.Location.Files.Serve(r)
}

// admit applies the settings of a location. It follows ngx_http_core_find_config_phase.
func (r *Request) admit(at *Location) Outcome {
	r.Matched = at
	r.use(at)
	if at.Internal && !r.internal {
		return Status(http.StatusNotFound)
	}
	if limit := r.Location.Settings.MaxBody; limit > 0 && r.HTTP.ContentLength > limit && !r.errorPage {
		r.LogError("client intended to send too large body: " + itoa(r.HTTP.ContentLength) + " bytes")
		return Status(http.StatusRequestEntityTooLarge)
	}
	return Next()
}

// use makes the settings of at apply, or those of its limit_except.
func (r *Request) use(at *Location) {
	r.Location = at
	if e := at.Except; e != nil && !e.allows(r.Method) {
		r.Location = e.Location
	}
	r.Conn.WriteWithin(r.Location.Settings.SendTimeout)
}

// Use makes the settings of a block within the location apply.
func (r *Request) Use(block *Location) { r.Location = block }

func (e *Except) allows(method string) bool {
	for _, m := range e.Methods {
		if m == method || m == http.MethodGet && method == http.MethodHead {
			return true
		}
	}
	return false
}

func (r *Request) rewrite(all []Rewriter) Outcome {
	if o := RunAll(r, all); o.kind != kindBreak {
		return o
	}
	return Next()
}

// RunAll runs directives in order until one ends the rewriting.
func RunAll(r *Request, all []Rewriter) Outcome {
	for _, w := range all {
		if o := w.Rewrite(r); o.kind != kindNext {
			return o
		}
	}
	return Next()
}

// Rewritten changes the URI. last ends the rewriting; with stay, the location remains.
func (r *Request) Rewritten(uri, args string, last, stay bool) Outcome {
	r.URI, r.Args, r.moved, r.internal = uri, args, !stay, true
	if last {
		return Break()
	}
	return Next()
}

// EndRewriting ends the rewriting in the present location.
func (r *Request) EndRewriting() Outcome {
	r.moved = false
	return Break()
}

// checkAccess follows ngx_http_core_access_phase.
func (r *Request) checkAccess() Outcome {
	refused := 0
	for _, c := range r.Location.Access {
		switch status := c.Check(r); {
		case status == 0:
		case status == http.StatusOK && r.Location.AnyAccess:
			r.Writer.Header().Del("WWW-Authenticate")
			return Next()
		case status == http.StatusOK:
		case r.Location.AnyAccess && (status == http.StatusForbidden || status == http.StatusUnauthorized):
			refused = status
		default:
			return Status(status)
		}
	}
	if refused == 0 {
		return Next()
	}
	if refused == http.StatusForbidden {
		r.LogError("access forbidden by rule")
	}
	return Status(refused)
}

// finish follows the outcome of the phases until there is a response.
func (r *Request) finish(o Outcome) {
	for {
		switch o.kind {
		case kindDone:
			return
		case kindRedirect, kindNamed:
			o = r.redirect(o)
		case kindStatus:
			o = r.special(o.status)
		case kindLocation:
			r.sendRedirect(o.status, o.uri)
			return
		default:
			o = Status(http.StatusNotFound)
		}
	}
}

// redirect continues with another URI or a named location. It follows ngx_http_internal_redirect.
func (r *Request) redirect(o Outcome) Outcome {
	r.internal = true
	if !r.mayChange() {
		r.LogError("rewrite or internal redirection cycle while internally redirecting to \"" + o.uri + "\"")
		return Status(http.StatusInternalServerError)
	}
	if o.kind == kindNamed {
		at := r.Server.Named[o.uri]
		if at == nil {
			r.LogError("could not find named location \"" + o.uri + "\"")
			return Status(http.StatusInternalServerError)
		}
		return r.enter(at)
	}
	r.URI, r.Args = o.uri, o.args
	return r.phases()
}

// special answers with an error: by the error page of the location, or nginx's own page. It follows
// ngx_http_special_response_handler.
func (r *Request) special(status int) Outcome {
	r.override = status
	if status == statusClose {
		r.status = status
		r.Writer.abort()
		return Done()
	}
	if !r.errorPage && r.changes <= maxChanges {
		pages := r.Location.Settings.ErrorPages
		r.errorPage = len(pages) > 0
		for i := range pages {
			if pages[i].Status == status {
				return r.replace(&pages[i])
			}
		}
	}
	r.sendPage(status)
	return Done()
}

// replace follows ngx_http_send_error_page.
func (r *Request) replace(p *ErrorPage) Outcome {
	if p.Override != KeepStatus {
		r.override = p.Override
	}
	to := p.To.Eval(r)
	switch {
	case strings.HasPrefix(to, "/"):
		if r.Method != http.MethodHead {
			r.Method = http.MethodGet
		}
		path, args, _ := strings.Cut(to, "?")
		return Redirect(path, args)
	case strings.HasPrefix(to, "@"):
		return NamedLocation(to)
	}
	status := r.override
	if !IsRedirect(status) {
		status = http.StatusFound
	}
	r.override = 0
	return MovedTo(status, to)
}

// checkTLS refuses requests without a certificate that the server demands. It follows
// ngx_http_process_request.
func (r *Request) checkTLS() int {
	if r.Conn.TLS == nil || r.Server.TLS == nil {
		return 0
	}
	return r.Server.TLS.check(r)
}

// RestOfPath returns the URI from the given byte on, in which the bytes that were escaped in the request are
// escaped.
func (r *Request) RestOfPath(begin int) string {
	if r.URI == r.target.Path {
		return r.target.RawFrom(begin)
	}
	return EscapePath(r.URI[min(begin, len(r.URI)):])
}

// ContentType returns the type of the URI's extension. It follows ngx_http_set_content_type.
func (r *Request) ContentType() string {
	s := &r.Location.Settings
	name := r.URI[strings.LastIndexByte(r.URI, '/')+1:]
	if dot := strings.LastIndexByte(name, '.'); dot >= 0 && dot+1 < len(name) {
		if t := s.Types[strings.ToLower(name[dot+1:])]; t != "" {
			return t
		}
	}
	return s.DefaultType
}

// PrefixLength returns the length of the prefix of the URI that the location names; 0 for a pattern.
func (r *Request) PrefixLength() int {
	if r.Matched == nil || r.Matched.Kind == Matching || r.Matched.Kind == Named {
		return 0
	}
	return len(r.Matched.Name)
}

// Body returns the request for content that reads its body: within client_max_body_size, and each read within
// client_body_timeout.
func (r *Request) Body() *http.Request {
	request := *r.HTTP
	request.Body = timedBody{r, r.HTTP.Body}
	if limit := r.Location.Settings.MaxBody; limit > 0 {
		request.Body = http.MaxBytesReader(r.Writer, request.Body, limit)
	}
	return &request
}

// A timedBody limits the time of each read.
type timedBody struct {
	r *Request
	io.ReadCloser
}

// Read implements io.Reader.
func (b timedBody) Read(p []byte) (int, error) {
	b.r.Conn.ReadWithin(b.r.Location.Settings.BodyTimeout)
	defer b.r.Conn.ReadWithin(0)
	return b.ReadCloser.Read(p)
}

// IsHTTPS reports whether the connection has TLS.
func (r *Request) IsHTTPS() bool { return r.Conn.TLS != nil }

// StatusCode returns the status of the response; 0 before it begins.
func (r *Request) StatusCode() int { return r.status }
