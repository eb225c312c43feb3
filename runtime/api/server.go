// Package api serves the REST API of NGINX Plus, versions 1 to 9: one tree of objects, of which each
// version shows a part.
package api

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// The versions of the API.
const (
	firstVersion = 1
	lastVersion  = 9
)

// errorObjectSince is the version whose error objects have no path and method.
const errorObjectSince = 4

// documentation is the page that error objects refer to.
const documentation = "https://nginx.org/en/docs/http/ngx_http_api_module.html"

// A Server answers requests to the API. It is safe for concurrent use.
type Server struct {
	Source Source
	Own    Own // nil without the objects of weir
}

// Options are the settings of a location.
type Options struct {
	Write     bool   // api write=on
	BodyLimit int64  // client_body_buffer_size; 0 means the default
	RequestID string // $request_id; empty means a new one
	// TooLarge writes the server's page of status 413; nil means a plain text.
	TooLarge func(http.ResponseWriter, *http.Request)
}

// A call is one request to the API and its answer.
type call struct {
	request *http.Request
	source  Source
	own     Own
	version int      // 0 before it is known
	names   []string // of the objects in the path
	fields  fields
	body    []byte
	status  int
	out     encoder
}

// Serve answers a request. path is the rest of the path of the URI, as received, after the prefix of the
// location.
func (s *Server) Serve(w http.ResponseWriter, r *http.Request, path string, opt Options) {
	c := &call{request: r, source: s.Source, own: s.Own, status: http.StatusOK, out: newEncoder()}
	defer c.out.release()
	switch err := c.run(path, opt); {
	case errors.Is(err, errTooLarge):
		tooLarge(w, r, opt)
		return
	case err != nil:
		c.fail(err, opt.RequestID)
	}
	header := w.Header()
	if len(c.out.buf) > 0 {
		header.Set("Content-Type", "application/json")
	}
	if c.status != http.StatusNoContent {
		header.Set("Content-Length", strconv.Itoa(len(c.out.buf)))
	}
	w.WriteHeader(c.status)
	if r.Method != http.MethodHead {
		w.Write(c.out.buf) // an error means that the client has gone
	}
}

// run makes the answer. The order of the checks is that of NGINX Plus: the version, the path, the method,
// the syntax of the body, its members, and the object last.
func (c *call) run(path string, opt Options) error {
	elements, ok := split(path)
	if len(elements) == 0 && ok {
		return c.listVersions()
	}
	tree := root
	if c.version = versionOf(elements); c.version == 0 {
		if c.own == nil || len(elements) == 0 || elements[0] != ownName {
			return errUnknownVersion
		}
		c.version, tree = lastVersion, ownRoot
	}
	c.out.version = c.version
	if !ok {
		return errPathNotFound
	}
	n, err := c.find(tree, elements[1:])
	if err != nil {
		return err
	}
	handle := n.handler(c.request.Method)
	if handle == nil || !opt.Write && !reads(c.request.Method) {
		return errMethodDisabled
	}
	if hasBody(c.request.Method) {
		if c.body, err = readBody(c.request, opt.BodyLimit); err != nil {
			return err
		}
	}
	if reads(c.request.Method) {
		c.fields = fieldsOf(c.request.URL.RawQuery)
		return handle(c)
	}
	return c.source.Change(func() error { return handle(c) })
}

// listVersions answers a request to the prefix itself.
func (c *call) listVersions() error {
	if !reads(c.request.Method) {
		return errMethodDisabled
	}
	c.out.open('[')
	for v := firstVersion; v <= lastVersion; v++ {
		c.out.separate()
		c.out.int(int64(v))
	}
	c.out.close(']')
	return nil
}

// reads reports whether a method changes nothing.
func reads(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// hasBody reports whether the API reads the body of a method.
func hasBody(method string) bool { return method == http.MethodPost || method == http.MethodPatch }

// tooLarge answers a request whose body does not fit into the buffer.
func tooLarge(w http.ResponseWriter, r *http.Request, opt Options) {
	if opt.TooLarge != nil {
		opt.TooLarge(w, r)
		return
	}
	http.Error(w, http.StatusText(http.StatusRequestEntityTooLarge), http.StatusRequestEntityTooLarge)
}

// fail replaces the answer by an error object.
func (c *call) fail(err error, id string) {
	e := errorOf(err)
	if id == "" {
		id = newRequestID()
	}
	c.status = e.Status
	c.out.version = c.version
	c.out.buf = c.out.buf[:0]
	failureObject.encode(&c.out, &failure{e, id}, fields{})
}

// A failure is an error of a request.
type failure struct {
	*Error
	requestID string
}

var failureObject = object[failure]{
	group("error", object[failure]{
		number("status", func(f *failure) int { return f.Status }),
		text("text", func(f *failure) string { return f.Text }),
		text("code", func(f *failure) string { return f.Code }),
	}),
	text("path", empty).from(firstVersion).to(errorObjectSince - 1),
	text("method", empty).from(firstVersion).to(errorObjectSince - 1),
	text("request_id", func(f *failure) string { return f.requestID }),
	text("href", func(*failure) string { return documentation }),
}

func empty(*failure) string { return "" }

// newRequestID returns 32 hexadecimal digits.
func newRequestID() string {
	var id [16]byte
	rand.Read(id[:])
	return hex.EncodeToString(id[:])
}

// maxElements is more than the elements of the longest path.
const maxElements = 8

// split returns the elements of a path, each decoded once. Repeated slashes count as one. It fails if the
// path has too many elements or one that cannot be decoded.
func split(path string) (elements []string, ok bool) {
	for element := range strings.SplitSeq(path, "/") {
		if element == "" {
			continue
		}
		name, err := url.PathUnescape(element)
		if err != nil || len(elements) == maxElements {
			return elements, false
		}
		elements = append(elements, name)
	}
	return elements, true
}

// versionOf returns the version of a path, or 0.
func versionOf(elements []string) int {
	if len(elements) == 0 || len(elements[0]) != 1 {
		return 0
	}
	v := int(elements[0][0]) - '0'
	if v < firstVersion || v > lastVersion {
		return 0
	}
	return v
}

// fieldsOf returns the argument fields of a query.
func fieldsOf(query string) fields {
	list, given := argument(query, "fields")
	if list == "" {
		return fields{given: given}
	}
	return fields{given, strings.Split(list, ",")}
}

// argument returns the first argument of a name. As in nginx, a plus sign is no blank.
func argument(query, name string) (string, bool) {
	for part := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(part, "=")
		if key != name {
			continue
		}
		if decoded, err := url.PathUnescape(value); err == nil {
			value = decoded
		}
		return value, true
	}
	return "", false
}

// localAddress returns the address at which the connection of a request was accepted, without the port.
func localAddress(r *http.Request) string {
	addr, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	switch a := addr.(type) {
	case *net.TCPAddr:
		return a.IP.String()
	case *net.UnixAddr:
		return "unix:" + a.Name
	}
	return ""
}
