package web

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"weir/stream"
)

// statusClose is nginx's status for a connection that is closed without a response.
const statusClose = 444

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// A Writer writes the response of a request. It is the http.ResponseWriter of content that others
// provide.
type Writer struct {
	r        *Request
	to       http.ResponseWriter
	header   http.Header
	begun    bool
	sent     int64 // bytes of the body
	replaced int   // a status whose page replaces the body that the content writes
	replaces func(status int) bool
}

// Replacing returns the Writer for content that leaves the pages of some statuses to the server.
func (w *Writer) Replacing(which func(status int) bool) *Writer {
	w.replaces = which
	return w
}

// Header implements http.ResponseWriter.
func (w *Writer) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *Writer) WriteHeader(status int) {
	if w.begun || w.replaced != 0 {
		return
	}
	if w.replaces != nil && w.replaces(status) {
		w.replaced = status
		return
	}
	if w.r.override > 0 {
		status = w.r.override
	}
	w.begun, w.r.status = true, status
	w.addHeaders(status)
	w.to.WriteHeader(status)
}

// Write implements http.ResponseWriter. The body of a replaced response is dropped.
func (w *Writer) Write(b []byte) (int, error) {
	if !w.begun {
		w.WriteHeader(http.StatusOK)
	}
	if w.replaced != 0 {
		return len(b), nil
	}
	n, err := w.to.Write(b)
	if w.r.Method != http.MethodHead {
		w.sent += int64(n)
	}
	return n, err
}

// Unwrap returns the writer of net/http, for http.ResponseController.
func (w *Writer) Unwrap() http.ResponseWriter { return w.to }

// End returns the outcome of content that has used the Writer.
func (w *Writer) End() Outcome {
	w.replaces = nil
	status := w.replaced
	w.replaced = 0
	if status == 0 {
		return Done()
	}
	w.dropBody()
	for _, name := range []string{"Etag", "Last-Modified", "X-Content-Type-Options"} {
		w.header.Del(name)
	}
	return Status(status)
}

// dropBody removes the headers that describe a body.
func (w *Writer) dropBody() {
	w.header.Del("Content-Length")
	w.header["Content-Type"] = nil // keeps net/http from guessing one
}

// Sent returns the number of bytes of the body that have been sent.
func (w *Writer) Sent() int64 { return w.sent }

// complete writes the header of a response without a body.
func (w *Writer) complete() {
	if !w.begun && w.r.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
}

// abort closes the connection without a response.
func (w *Writer) abort() {
	w.begun = true
	if h, ok := w.to.(http.Hijacker); ok {
		if c, _, err := h.Hijack(); err == nil {
			c.Close()
		}
	}
}

// headerStatuses are the statuses of responses that have the headers of add_header without "always".
var headerStatuses = map[int]bool{
	200: true, 201: true, 204: true, 206: true, 301: true, 302: true, 303: true, 304: true, 307: true, 308: true,
}

// spelling are the names of headers that nginx does not write in canonical form.
var spelling = map[string]string{"Etag": "ETag", "Www-Authenticate": "WWW-Authenticate"}

// addHeaders adds what every response has.
func (w *Writer) addHeaders(status int) {
	s := &w.r.Location.Settings
	if status == http.StatusPartialContent {
		w.header.Del("Accept-Ranges")
	}
	for name, written := range spelling {
		if values := w.header[name]; values != nil {
			delete(w.header, name)
			w.header[written] = values
		}
	}
	if product := s.Product.Eval(w.r); product != "" {
		w.header.Set("Server", product)
	}
	w.header.Set("Connection", w.connection(status))
	for _, h := range s.Headers {
		if h.Always || headerStatuses[status] {
			w.addHeader(h)
		}
	}
}

// addHeader adds one header. Some replace the one that the response has; an empty value is not sent.
func (w *Writer) addHeader(h Header) {
	value := strings.Map(dropControl, h.Value.Eval(w.r))
	switch name := http.CanonicalHeaderKey(h.Name); {
	case name == "Last-Modified" || name == "Etag":
		w.header.Del(name)
		fallthrough
	case value != "":
		if value != "" {
			w.header[h.Name] = append(w.header[h.Name], value)
		}
	}
}

// dropControl removes the characters that would end a header line.
func dropControl(c rune) rune {
	if c == '\r' || c == '\n' || c == 0 {
		return -1
	}
	return c
}

// closing are the statuses after which nginx closes the connection.
var closing = map[int]bool{400: true, 408: true, 413: true, 414: true, 495: true, 496: true, 497: true, 500: true, 501: true}

// lingering is the time within which the rest of a body that no content has read must arrive.
const lingering = 5 * time.Second

// connection returns the Connection header, and sets the time that the connection may be idle.
func (w *Writer) connection(status int) string {
	r, s := w.r, &w.r.Location.Settings
	r.Conn.IdleFor(s.KeepaliveTimeout)
	if r.HTTP.ContentLength != 0 {
		r.Conn.ReadWithin(lingering)
	}
	wanted := !r.HTTP.Close
	if !r.HTTP.ProtoAtLeast(1, 1) {
		wanted = strings.EqualFold(r.HTTP.Header.Get("Connection"), "keep-alive")
	}
	if !wanted || closing[status] || s.KeepaliveTimeout == 0 || r.Conn.Requests >= s.KeepaliveRequests {
		return "close"
	}
	return "keep-alive"
}

// Send sends a response with a body.
func (r *Request) Send(status int, contentType, body string) Outcome {
	if contentType != "" {
		r.Writer.header.Set("Content-Type", contentType)
	}
	r.Writer.header.Set("Content-Length", strconv.Itoa(len(body)))
	if status == http.StatusNoContent {
		r.Writer.dropBody()
	}
	r.Writer.WriteHeader(status)
	if r.Method != http.MethodHead {
		r.Writer.Write([]byte(body))
	}
	return Done()
}

// sendPage sends nginx's page of a status. It follows ngx_http_send_special_response.
func (r *Request) sendPage(status int) {
	title := titles[status]
	shown := status
	if public, hidden := hiddenStatuses[status]; hidden {
		shown = public
		r.override = public
	}
	r.Writer.header.Del("Content-Type")
	if title == "" {
		r.Writer.header["Content-Type"] = nil
		r.Writer.header.Set("Content-Length", "0")
		r.Writer.WriteHeader(shown)
		return
	}
	r.Send(shown, "text/html", page(status, r.Location.Settings.Product.Eval(r)))
}

// page returns the text of nginx's page for a status that has one.
func page(status int, product string) string {
	title := titles[status]
	return "<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" + pageHeading(status, title) +
		"\r\n<hr><center>" + product + "</center>\r\n</body>\r\n</html>\r\n"
}

// RefusalPage returns the whole response to a request that could not be parsed.
func RefusalPage(status int) []byte {
	product := "nginx/" + stream.NginxVersion
	shown := status
	if public, hidden := hiddenStatuses[status]; hidden {
		shown = public
	}
	body := page(status, product)
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nServer: %s\r\nDate: %s\r\nContent-Type: text/html\r\n"+
		"Content-Length: %d\r\nConnection: close\r\n\r\n%s", shown, http.StatusText(shown), product,
		time.Now().UTC().Format(http.TimeFormat), len(body), body)
}

// sendRedirect sends a redirect; a path becomes an absolute URL.
func (r *Request) sendRedirect(status int, uri string) {
	if strings.HasPrefix(uri, "/") && r.Location.Settings.AbsoluteRedirect {
		uri = r.baseURL() + uri
	}
	r.override = status
	r.Writer.header.Set("Location", strings.Map(dropControl, uri))
	r.sendPage(status)
}

// baseURL returns the scheme, the host and, unless it is the default, the port.
func (r *Request) baseURL() string {
	scheme, usual := "http", "80"
	if r.IsHTTPS() {
		scheme, usual = "https", "443"
	}
	host := r.Host
	if host == "" {
		host = r.localName()
	}
	if port := r.Conn.Local.Port(); port != "" && port != usual {
		host += ":" + port
	}
	return scheme + "://" + host
}

// localName is the server name in redirects of requests without a host.
func (r *Request) localName() string {
	if r.Conn.Local.Unix {
		return "unix:" + r.Conn.Local.Path
	}
	host, port := r.Conn.Local.String(), ":"+r.Conn.Local.Port()
	return strings.TrimSuffix(host, port)
}

// IsRedirect reports whether a response of that status has a Location header.
func IsRedirect(status int) bool {
	switch status {
	case 301, 302, 303, 307, 308:
		return true
	}
	return false
}

// hiddenStatuses are nginx's own statuses, and the one that a client sees.
var hiddenStatuses = map[int]int{494: 400, 495: 400, 496: 400, 497: 400}

// titles are the titles of nginx's pages. A status without a title has no body.
var titles = map[int]string{
	301: "301 Moved Permanently", 302: "302 Found", 303: "303 See Other", 307: "307 Temporary Redirect", 308: "308 Permanent Redirect",
	400: "400 Bad Request", 401: "401 Authorization Required", 402: "402 Payment Required", 403: "403 Forbidden", 404: "404 Not Found",
	405: "405 Not Allowed", 406: "406 Not Acceptable",
	407: "407 Proxy Authentication Required", 408: "408 Request Time-out", 409: "409 Conflict", 410: "410 Gone",
	411: "411 Length Required", 412: "412 Precondition Failed", 413: "413 Request Entity Too Large", 414: "414 Request-URI Too Large",
	415: "415 Unsupported Media Type", 416: "416 Requested Range Not Satisfiable", 421: "421 Misdirected Request",
	429: "429 Too Many Requests", 494: "400 Request Header Or Cookie Too Large", 495: "400 The SSL certificate error",
	496: "400 No required SSL certificate was sent", 497: "400 The plain HTTP request was sent to HTTPS port",
	500: "500 Internal Server Error", 501: "501 Not Implemented", 502: "502 Bad Gateway", 503: "503 Service Temporarily Unavailable",
	504: "504 Gateway Time-out", 505: "505 HTTP Version Not Supported", 507: "507 Insufficient Storage",
}

// headings are the second lines of the pages of nginx's own statuses.
var headings = map[int]string{
	494: "Request Header Or Cookie Too Large", 495: "The SSL certificate error", 496: "No required SSL certificate was sent",
	497: "The plain HTTP request was sent to HTTPS port",
}

func pageHeading(status int, title string) string {
	if second, ok := headings[status]; ok {
		return "400 Bad Request</h1></center>\r\n<center>" + second + "</center>"
	}
	return title + "</h1></center>"
}
