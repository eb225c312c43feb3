package web

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"weir/internal/ascii"
	"weir/internal/errorlog"
	"weir/internal/proxyproto"
	"weir/stream"
)

// coreVariables are the variables of the http core.
//
// See https://nginx.org/en/docs/http/ngx_http_core_module.html#variables.
func coreVariables() []Variable {
	vars := []Variable{
		{Name: "arg_", Bind: argument},
		{Name: "cookie_", Bind: cookie},
		{Name: "http_", Bind: requestHeader},
		{Name: "sent_http_", Bind: responseHeader},
		{Name: "proxy_protocol_tlv_", Bind: proxyProtocolTLV},
	}
	for _, v := range proxyproto.VendorTLVs {
		vars = append(vars, Variable{Name: "proxy_protocol_tlv_" + v.Name, Get: tlv(v.Of)})
	}
	for name := range strings.FieldsSeq(fixedRequestHeaders) {
		vars = append(vars, Variable{Name: "http_" + name, Get: requestHeader(name)})
	}
	for name := range strings.FieldsSeq(fixedResponseHeaders) {
		vars = append(vars, Variable{Name: "sent_http_" + name, Get: responseHeader(name), NoCache: true})
	}
	for name, get := range plainVariables {
		vars = append(vars, Variable{Name: name, Get: always(get)})
	}
	for name, get := range changingVariables {
		vars = append(vars, Variable{Name: name, Get: always(get), NoCache: true})
	}
	for name, get := range missableVariables {
		vars = append(vars, Variable{Name: name, Get: get, NoCache: true})
	}
	vars = append(vars,
		Variable{Name: "args", Get: args, NoCache: true, Changeable: true},
		Variable{Name: "limit_rate", Get: always(func(*Request) string { return "0" }), Changeable: true})
	return slices.Concat(vars, tlsVariables(), absentVariables())
}

// fixedRequestHeaders and fixedResponseHeaders have variables of their own in nginx, which set and map cannot
// define again.
const (
	fixedRequestHeaders  = "cookie host referer user_agent via x_forwarded_for"
	fixedResponseHeaders = "cache_control connection content_length content_type keep_alive last_modified link location transfer_encoding"
)

func always(get func(*Request) string) func(*Request) (string, bool) {
	return func(r *Request) (string, bool) { return get(r), true }
}

// plainVariables do not change during a request.
var plainVariables = map[string]func(*Request) string{
	"binary_remote_addr": binaryRemoteAddr,
	"connection":         func(r *Request) string { return strconv.FormatUint(r.Conn.ID, 10) },
	"host":               host,
	"hostname":           func(r *Request) string { return r.Env.Hostname },
	"nginx_version":      func(*Request) string { return stream.NginxVersion },
	"pid":                func(r *Request) string { return strconv.Itoa(r.Env.PID) },
	"pipe":               func(*Request) string { return "." },
	"remote_addr":        func(r *Request) string { return r.Conn.Client.Host() },
	"remote_port":        func(r *Request) string { return r.Conn.Client.Port() },
	"request":            (*Request).Line,
	"request_id":         func(*Request) string { return newID() },
	"request_method":     func(r *Request) string { return r.HTTP.Method },
	"request_uri":        requestURI,
	"scheme":             scheme,
	"server_addr":        func(r *Request) string { return r.Conn.Local.Host() },
	"server_port":        func(r *Request) string { return r.Conn.Local.Port() },
	"server_protocol":    func(r *Request) string { return r.HTTP.Proto },
}

// changingVariables are evaluated at each use.
var changingVariables = map[string]func(*Request) string{
	"body_bytes_sent":     func(r *Request) string { return itoa(r.Writer.sent) },
	"bytes_sent":          func(r *Request) string { return itoa(r.Writer.sent) },
	"connection_requests": func(r *Request) string { return itoa(r.Conn.Requests) },
	"document_root":       func(r *Request) string { return r.Location.Settings.Root.Eval(r) },
	"document_uri":        func(r *Request) string { return r.URI },
	"fastcgi_script_name": func(r *Request) string { return r.URI },
	"is_args":             isArgs,
	"msec":                msec,
	"request_completion":  requestCompletion,
	"request_filename":    (*Request).Filename,
	"request_length":      requestLength,
	"request_time":        requestTime,
	"server_name":         func(r *Request) string { return r.Server.Name },
	"status":              func(r *Request) string { return pad3(r.status) },
	"time_iso8601":        func(r *Request) string { return r.Env.Now().Format("2006-01-02T15:04:05-07:00") },
	"time_iso8601_ms":     func(r *Request) string { return r.Env.Now().Format("2006-01-02T15:04:05.000-07:00") },
	"time_local":          func(r *Request) string { return r.Env.Now().Format("02/Jan/2006:15:04:05 -0700") },
	"uri":                 func(r *Request) string { return r.URI },
}

// missableVariables may have no value.
var missableVariables = map[string]func(*Request) (string, bool){
	"content_length":             requestHeader("content_length"),
	"content_type":               requestHeader("content_type"),
	"https":                      https,
	"proxy_protocol_addr":        proxyText(func(h *proxyproto.Header) string { return h.Client }),
	"proxy_protocol_port":        proxyPort(func(h *proxyproto.Header) uint16 { return h.ClientPort }),
	"proxy_protocol_server_addr": proxyText(func(h *proxyproto.Header) string { return h.Server }),
	"proxy_protocol_server_port": proxyPort(func(h *proxyproto.Header) uint16 { return h.ServerPort }),
	"query_string":               args,
	"realpath_root":              realpathRoot,
	"remote_user":                func(r *Request) (string, bool) { return r.User, r.User != "" },
}

func binaryRemoteAddr(r *Request) string {
	if r.Conn.Client.Unix {
		return r.Conn.Client.Host()
	}
	return string(r.Conn.Client.IP.Addr().AsSlice())
}

func host(r *Request) string {
	if r.Host == "" {
		return r.Server.Name
	}
	return r.Host
}

func scheme(r *Request) string {
	if r.IsHTTPS() {
		return "https"
	}
	return "http"
}

// requestURI returns the target as received, without the scheme and the host.
func requestURI(r *Request) string {
	if strings.HasPrefix(r.HTTP.RequestURI, "/") {
		return r.HTTP.RequestURI
	}
	_, path, _ := cutScheme(r.HTTP.RequestURI)
	return path
}

func https(r *Request) (string, bool) {
	if r.IsHTTPS() {
		return "on", true
	}
	return "", false
}

func args(r *Request) (string, bool) { return r.Args, true }

func isArgs(r *Request) string {
	if r.Args == "" {
		return ""
	}
	return "?"
}

// realpathRoot returns the directory of document_root without symbolic links.
func realpathRoot(r *Request) (string, bool) {
	root := r.Location.Settings.Root.Eval(r)
	path, err := filepath.EvalSymlinks(root)
	if err != nil {
		r.Log(errorlog.Crit, "realpath() \""+errorlog.Quote(root)+"\" failed", errors.Unwrap(err))
		return "", false
	}
	return path, true
}

func newID() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

func msec(r *Request) string {
	now := r.Env.Now()
	return seconds(time.Duration(now.UnixMilli()) * time.Millisecond)
}

func requestTime(r *Request) string { return seconds(r.Env.Now().Sub(r.Start)) }

// seconds returns d with three decimals.
func seconds(d time.Duration) string { return string(stream.AppendSeconds(nil, d)) }

// pad3 returns a status with three digits.
func pad3(status int) string {
	text := strconv.Itoa(status)
	return "000"[min(3, len(text)):] + text
}

func requestCompletion(r *Request) string {
	if r.status == 0 {
		return ""
	}
	return "OK"
}

func requestLength(r *Request) string { return itoa(r.length()) }

// length returns the length of the request: the line, the headers as usually written, and the body.
func (r *Request) length() int64 {
	n := len(r.Line()) + len("\r\n\r\n") + len("Host: \r\n") + len(r.HTTP.Host)
	for name, values := range r.HTTP.Header {
		for _, v := range values {
			n += len(name) + len(v) + len(": \r\n")
		}
	}
	return int64(n) + max(0, r.HTTP.ContentLength)
}

// argument returns the variable of the first argument of that name, without regard to case. It follows
// ngx_http_arg.
func argument(name string) func(*Request) (string, bool) {
	return func(r *Request) (string, bool) {
		for pair := range strings.SplitSeq(r.Args, "&") {
			if key, value, ok := strings.Cut(pair, "="); ok && ascii.EqualFold(key, name) {
				return value, true
			}
		}
		return "", false
	}
}

func cookie(name string) func(*Request) (string, bool) {
	return func(r *Request) (string, bool) {
		for _, line := range r.HTTP.Header["Cookie"] {
			for pair := range strings.SplitSeq(line, ";") {
				key, value, ok := strings.Cut(strings.TrimLeft(pair, " "), "=")
				if ok && ascii.EqualFold(key, name) {
					return value, true
				}
			}
		}
		return "", false
	}
}

// headerName returns the header that a variable's name means.
func headerName(name string) string {
	return http.CanonicalHeaderKey(strings.ReplaceAll(name, "_", "-"))
}

func requestHeader(name string) func(*Request) (string, bool) {
	name = headerName(name)
	separator := ", "
	if name == "Cookie" {
		separator = "; "
	}
	return func(r *Request) (string, bool) {
		switch {
		case name == "Host":
			return r.HTTP.Host, r.HTTP.Host != ""
		case name == "Content-Length" && r.HTTP.ContentLength > 0:
			return itoa(r.HTTP.ContentLength), true
		}
		values := r.HTTP.Header[name]
		return strings.Join(values, separator), len(values) > 0
	}
}

func responseHeader(name string) func(*Request) (string, bool) {
	name = headerName(name)
	return func(r *Request) (string, bool) {
		values := r.Writer.header[name]
		return strings.Join(values, ", "), len(values) > 0
	}
}

// proxyText returns a variable for a field of the PROXY header.
func proxyText(field func(*proxyproto.Header) string) func(*Request) (string, bool) {
	return func(r *Request) (string, bool) {
		if r.Conn.Proxy == nil {
			return "", false
		}
		return field(r.Conn.Proxy), true
	}
}

// proxyPort is proxyText for a port, which is empty if it is 0.
func proxyPort(field func(*proxyproto.Header) uint16) func(*Request) (string, bool) {
	return proxyText(func(h *proxyproto.Header) string {
		if field(h) == 0 {
			return ""
		}
		return strconv.Itoa(int(field(h)))
	})
}

func proxyProtocolTLV(name string) func(*Request) (string, bool) {
	name = strings.ToLower(name)
	return tlv(func(h *proxyproto.Header) (string, bool, error) { return h.TLV(name) })
}

// tlv returns a variable for a TLV of the PROXY header.
func tlv(of func(*proxyproto.Header) (string, bool, error)) func(*Request) (string, bool) {
	return func(r *Request) (string, bool) {
		text, ok, err := of(r.Conn.Proxy)
		if err != nil {
			r.LogError(err.Error())
		}
		return text, ok
	}
}

// Filename returns the path of the file that the request's URI names.
func (r *Request) Filename() string { return r.FilenameOf(r.URI) }

// FilenameOf returns the path of the file that a URI of the request's location names.
func (r *Request) FilenameOf(uri string) string {
	s := &r.Location.Settings
	root := s.Root.Eval(r)
	switch {
	case !s.Alias:
		return root + uri
	case s.AliasWhole && uri == r.URI:
		return root
	case s.AliasWhole:
		return root + uri
	case r.Matched != nil:
		return root + strings.TrimPrefix(uri, r.Matched.Name)
	}
	return root
}
