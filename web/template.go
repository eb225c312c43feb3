package web

import (
	"errors"
	"fmt"
	"strings"
)

// A Template is a compiled string with variables, such as "$a-${b}". It is immutable; the zero Template is
// the empty string.
type Template struct {
	text   string
	pieces []piece // nil if there are no variables
}

// A piece is a literal, a variable if index is not negative, or a capture: noVariable minus the number of
// the group.
type piece struct {
	text  string
	index int
}

const noVariable = -1

var errVariableName = errors.New("invalid variable name")

// Literal returns a template without variables.
func Literal(text string) Template { return Template{text: text} }

// ParseTemplate compiles text against t by the rules of ngx_http_script_compile. The error is nginx's
// sentence.
func ParseTemplate(text string, t *VarTable) (Template, error) {
	tpl := Template{text: text}
	if !strings.Contains(text, "$") {
		return tpl, nil
	}
	for rest := text; rest != ""; {
		i := strings.IndexByte(rest, '$')
		if i != 0 {
			literal := rest
			if i > 0 {
				literal = rest[:i]
			}
			tpl.pieces = append(tpl.pieces, piece{literal, noVariable})
			rest = rest[len(literal):]
			continue
		}
		name, n, err := variableName(rest[1:])
		if err != nil {
			return Template{}, err
		}
		tpl.pieces = append(tpl.pieces, t.piece(name, n))
		rest = rest[1+n:]
	}
	return tpl, nil
}

// piece returns a variable, or a group of the latest match. A digit in braces, where name is shorter than n
// bytes, is not a capture.
func (t *VarTable) piece(name string, n int) piece {
	if n == 1 && isCapture(name[0]) {
		t.captures = true
		return piece{"", noVariable - int(name[0]-'0')}
	}
	return piece{"", t.Index(name)}
}

func isCapture(c byte) bool { return '1' <= c && c <= '9' }

// variableName reads the name at the start of s, after the dollar sign, and returns how many bytes it took,
// including braces.
func variableName(s string) (name string, n int, err error) {
	if s == "" {
		return "", 0, errVariableName
	}
	if isCapture(s[0]) {
		return s[:1], 1, nil
	}
	begin := 0
	if s[0] == '{' {
		begin = 1
	}
	end := begin
	for end < len(s) && isNameByte(s[end]) {
		end++
	}
	name, n = s[begin:end], end
	if begin > 0 && len(s) > 1 {
		if end == len(s) || s[end] != '}' {
			return "", 0, fmt.Errorf("the closing bracket in \"%s\" variable is missing", name)
		}
		n++
	}
	if name == "" {
		return "", 0, errVariableName
	}
	return name, n, nil
}

func isNameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}

// HasVariables reports whether the template has variables or captures.
func (t Template) HasVariables() bool { return t.pieces != nil }

// Text returns the source text of the template.
func (t Template) Text() string { return t.text }

// Eval returns the string for request r. A variable that is not found is empty.
func (t Template) Eval(r *Request) string {
	if t.pieces == nil {
		return t.text
	}
	var b strings.Builder
	for _, p := range t.pieces {
		switch {
		case p.index == noVariable:
			b.WriteString(p.text)
		case p.index < noVariable:
			b.WriteString(r.captures.group(noVariable - p.index))
		default:
			text, _ := r.Value(p.index)
			b.WriteString(text)
		}
	}
	return b.String()
}

// Name returns the name of the variable if the template consists of one, and whether it does.
func (t Template) Name(vars *VarTable) (string, bool) {
	if len(t.pieces) != 1 || t.pieces[0].index < 0 {
		return "", false
	}
	return vars.used[t.pieces[0].index].name, true
}

// EvalPath returns the string for request r, which names a file. It reports false if a client may have chosen
// another directory: a value contains a slash, or is "." or "..", or a zero byte.
func (t Template) EvalPath(r *Request) (path string, ok bool) {
	ok = true
	for _, p := range t.pieces {
		part := Template{pieces: []piece{p}}.Eval(r)
		if p.index != noVariable && (part == "." || part == ".." || strings.ContainsAny(part, "/\x00")) {
			ok = false
		}
	}
	return t.Eval(r), ok
}
