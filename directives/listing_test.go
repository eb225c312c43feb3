package directives

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// A documented directive is an entry of nginx's documentation.
type documented struct {
	module, name string
	contexts     []string
	syntax       []string // one for each variant
	fallback     string   // the default; empty if there is none
	since        string   // "1.9.0", or "-"
	commercial   string   // "no", "yes", or "params" for some of its parameters
	page         string   // "stream/ngx_stream_proxy_module.html#proxy_bind"
}

// key distinguishes directives of the same name.
func (d *documented) key() string { return d.module + " " + d.name }

// inHTTP reports whether the directive belongs to http {}.
func (d *documented) inHTTP() bool {
	return strings.HasPrefix(d.module, "ngx_http_") && d.name != "http"
}

// listing reads testdata/directives.tsv, which has one line for each variant of a directive's
// syntax.
func listing(t *testing.T) []*documented {
	t.Helper()
	raw, err := os.ReadFile("testdata/directives.tsv")
	if err != nil {
		t.Fatal(err)
	}
	var all []*documented
	for line := range strings.Lines(string(raw)) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if strings.HasPrefix(line, "#") || fields[0] == "module" {
			continue
		}
		if len(fields) != 8 {
			t.Fatalf("got %d fields, want 8: %q", len(fields), line)
		}
		d := &documented{
			module: fields[0], name: fields[1], contexts: strings.Split(fields[2], ","), syntax: fields[3:4],
			fallback: strings.TrimPrefix(fields[4], "-"), since: fields[5], commercial: fields[6], page: fields[7],
		}
		if last := len(all) - 1; last >= 0 && all[last].key() == d.key() {
			all[last].syntax = append(all[last].syntax, d.syntax...)
			continue
		}
		all = append(all, d)
	}
	return all
}

// takes is a set of numbers of arguments: bit n stands for n arguments. A set without an upper
// bound contains all numbers that have a bit.
type takes uint32

// has reports whether n arguments are in the set.
func (a takes) has(n int) bool { return a&(1<<n) != 0 }

// then returns the set of all sums of a number of a and a number of b.
func (a takes) then(b takes) (sum takes) {
	for n := range 32 {
		if a.has(n) {
			sum |= b << n
		}
	}
	return sum
}

const (
	noWord  takes = 1
	oneWord takes = 1 << 1
	anyWord takes = ^takes(0)
	someMax       = 31
)

// takes reads all variants of a directive's syntax. Where all arguments are optional, at
// least one is still required.
func (d *documented) takes() takes {
	var all takes
	for _, text := range d.syntax {
		r := syntaxReader{rest: strings.TrimSuffix(text, "{ ... }")}
		all |= r.alternatives()
	}
	if all != noWord {
		all &^= noWord
	}
	return all
}

// hasBody reports whether a block follows.
func (d *documented) hasBody() bool {
	return slices.ContainsFunc(d.syntax, func(s string) bool { return strings.HasSuffix(s, "{ ... }") })
}

// A syntaxReader reads the notation of the documentation: <value>, [optional], one | other, more
// ..., and literal words, which may contain all of these without blanks.
type syntaxReader struct{ rest string }

// alternatives reads sequences with bars between them, up to the end or a closing bracket.
func (r *syntaxReader) alternatives() takes {
	all := r.sequence()
	for strings.HasPrefix(r.rest, "|") {
		r.rest = r.rest[1:]
		all |= r.sequence()
	}
	return all
}

func (r *syntaxReader) sequence() takes {
	sum := noWord
	for {
		var last takes
		r.rest = strings.TrimLeft(r.rest, " ")
		switch {
		case r.rest == "" || r.rest[0] == ']' || r.rest[0] == '|':
			return sum
		case strings.HasPrefix(r.rest, "..."):
			r.rest = r.rest[len("..."):]
			sum = sum.then(anyWord)
			continue
		case r.rest[0] == '[' && r.standsAlone():
			r.rest = r.rest[1:]
			last = r.alternatives() | noWord
			r.rest = r.rest[1:]
		default:
			last = r.word()
		}
		sum = sum.then(last)
	}
}

// standsAlone reports whether the brackets that begin here end a word.
func (r *syntaxReader) standsAlone() bool {
	depth := 0
	for i, c := range r.rest {
		switch c {
		case '[':
			depth++
		case ']':
			if depth--; depth == 0 {
				return i+1 == len(r.rest) || strings.ContainsRune(" ]", rune(r.rest[i+1]))
			}
		}
	}
	return false
}

// word reads one word. Text in angle brackets counts as its number of words; "<parameters>" is any
// number.
func (r *syntaxReader) word() takes {
	depth, words := 0, oneWord
	for i, c := range r.rest {
		switch {
		case c == '[':
			depth++
		case c == ']' && depth > 0:
			depth--
		case c == '<' && strings.HasPrefix(r.rest[i:], "<parameters>"):
			words = anyWord
		case c == '<':
			words = words.then(1 << strings.Count(r.rest[i:i+strings.IndexByte(r.rest[i:], '>')], " "))
		case (c == ' ' && !r.inAngles(i) || c == ']') && depth == 0:
			r.rest = r.rest[i:]
			return words
		}
	}
	r.rest = ""
	return words
}

func (r *syntaxReader) inAngles(i int) bool {
	return strings.LastIndexByte(r.rest[:i], '<') > strings.LastIndexByte(r.rest[:i], '>')
}

func TestSyntaxReader(t *testing.T) {
	tests := []struct {
		text string
		want []int // 31 means no upper bound
	}{
		{"on | off", []int{1}},
		{"", []int{0}},
		{"<file> [<level>] [json]", []int{1, 2, 3}},
		{"<address> [transparent] | off", []int{1, 2}},
		{"<name> [escape=default|json|none] <string> ...", []int{2, 31}},
		{"[two [<method>]]", []int{1, 2}},
		{"[<parameters>]", []int{1, 31}},
		{"<path> <format> [buffer=<size>] [gzip[=<level>]] [flush=<time>]", []int{2, 3, 4, 5}},
		{"[so_keepalive=on|off|[<keepidle>]:[<keepintvl>]:[<keepcnt>]]", []int{1}},
		{"<module.js> | <export_name from module.js>", []int{1, 3}},
		{"<variable>[=<value>]", []int{1}},
		{"[<$address>] <$variable> { ... }", []int{1, 2}},
		{"off | none | [builtin[:<size>]] [shared:<name>:<size>]", []int{1, 2}},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			var want takes
			for i, n := range tt.want {
				want |= 1 << n
				if n == someMax {
					want |= anyWord &^ (1<<tt.want[i-1] - 1)
				}
			}
			if got := (&documented{syntax: []string{tt.text}}).takes(); got != want {
				t.Errorf("got %b, want %b", got, want)
			}
		})
	}
}
