package web

import (
	"bytes"
	"errors"
	"strings"
)

// A Target is the parsed target of a request.
type Target struct {
	Host string // of a target with a scheme; empty otherwise
	Path string // decoded; without dots as segments
	Args string // after the question mark, as received
	// escaped marks the bytes of Path that were written as %XX; nil if there are none.
	escaped []bool
}

var errTarget = errors.New("invalid request target")

// ParseTarget parses the target of a request line. Repeated slashes count as one if merge is set. The
// segments "." and ".." are resolved after decoding; a path above the root is an error, and so are
// incomplete escapes and %00. It follows ngx_http_parse_complex_uri.
func ParseTarget(text string, merge bool) (Target, error) {
	t := Target{}
	if !strings.HasPrefix(text, "/") {
		var ok bool
		if t.Host, text, ok = cutScheme(text); !ok {
			return t, errTarget
		}
	}
	text, _, _ = strings.Cut(text, "#")
	path, args, _ := strings.Cut(text, "?")
	t.Args = args
	decoded, escaped, ok := unescape(path)
	if !ok {
		return t, errTarget
	}
	if isPlain(decoded) {
		t.Path, t.escaped = decoded, escaped
		return t, nil
	}
	n := normalizer{merge: merge, escaped: escaped}
	if !n.run(decoded) {
		return t, errTarget
	}
	t.Path = string(n.out)
	if escaped != nil {
		t.escaped = n.marks
	}
	return t, nil
}

// cutScheme divides a target such as http://host/path.
func cutScheme(text string) (host, path string, ok bool) {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok || !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
		return "", "", false
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		return rest, "/", rest != ""
	}
	if rest[end] != '/' {
		return rest[:end], "/" + rest[end:], end > 0
	}
	return rest[:end], rest[end:], end > 0
}

// isPlain reports whether a path has nothing to resolve.
func isPlain(path string) bool {
	return !strings.Contains(path, "//") && !strings.Contains(path, "/.")
}

// unescape decodes %XX once. escaped marks the decoded bytes; nil if there are none.
func unescape(path string) (decoded string, escaped []bool, ok bool) {
	if !strings.Contains(path, "%") {
		return path, nil, strings.IndexByte(path, 0) < 0
	}
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		c, mark := path[i], false
		if c == '%' {
			if i+2 >= len(path) {
				return "", nil, false
			}
			high, low := unhex(path[i+1]), unhex(path[i+2])
			if high < 0 || low < 0 {
				return "", nil, false
			}
			c, mark = byte(high<<4|low), true
			i += 2
		}
		if c == 0 {
			return "", nil, false
		}
		b.WriteByte(c)
		escaped = append(escaped, mark)
	}
	return b.String(), escaped, true
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// A normalizer resolves the segments of a decoded path.
type normalizer struct {
	merge   bool
	escaped []bool // of the input; nil if there are none
	out     []byte
	marks   []bool // of out
}

// run resolves path, which begins with a slash. It fails if the path leaves the root.
func (n *normalizer) run(path string) bool {
	for i := 0; i < len(path); {
		end := i + 1
		for end < len(path) && path[end] != '/' {
			end++
		}
		if !n.segment(path, i, end) {
			return false
		}
		i = end
	}
	return true
}

// segment adds path[i:end], a slash and the segment after it.
func (n *normalizer) segment(path string, i, end int) bool {
	last := end == len(path)
	switch name := path[i+1 : end]; {
	case name == "" && !last && n.merge, name == "." && !last:
		return true
	case name == ".":
		n.add('/', false)
		return true
	case name == "..":
		at := bytes.LastIndexByte(n.out, '/')
		if at < 0 {
			return false
		}
		n.out, n.marks = n.out[:at], n.marks[:at]
		if last {
			n.add('/', false)
		}
		return true
	}
	for ; i < end; i++ {
		n.add(path[i], n.escaped != nil && n.escaped[i])
	}
	return true
}

func (n *normalizer) add(c byte, escaped bool) {
	n.out, n.marks = append(n.out, c), append(n.marks, escaped)
}

// RawFrom returns the path from the given byte on, in which the bytes that were escaped in the request are
// escaped: a receiver can divide it at slashes and then decode each name.
func (t *Target) RawFrom(begin int) string {
	begin = min(begin, len(t.Path))
	if t.escaped == nil {
		return t.Path[begin:]
	}
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := begin; i < len(t.Path); i++ {
		c := t.Path[i]
		if !t.escaped[i] {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'%', digits[c>>4], digits[c&15]})
	}
	return b.String()
}

// EscapePath escapes a path for a Location header. It follows ngx_escape_uri for NGX_ESCAPE_URI.
func EscapePath(path string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(path) {
		c := path[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"#%<>?\^`+"`{|}", c) >= 0 {
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}
