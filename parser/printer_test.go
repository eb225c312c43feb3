package parser

import (
	"bytes"
	"strings"

	"weir/parser/diag"
)

const indent = "    "

// format returns f as text: one directive per line, four spaces per level, quotes and escapes only where
// needed. It keeps line breaks between arguments and one of several empty lines, and no comments. Parsing
// the text gives the same directives. f must have been loaded without an error.
//
// To write a Tree with its includes expanded, pass a File that contains only its Root.
func format(f *File) []byte {
	p := printer{}
	p.block(f.Block, 0)
	return p.out.Bytes()
}

// A printer writes one file.
type printer struct {
	out bytes.Buffer
	end diag.Position // source position after the last output; zero if no empty line may follow
}

// block writes the directives of b.
func (p *printer) block(b *Block, level int) {
	for _, d := range b.Directives {
		p.directive(d, level)
	}
}

func (p *printer) directive(d *Directive, level int) {
	p.start(d.Name.Pos, level)
	last := p.words(d, level)
	p.end = d.End
	if d.Body == nil {
		p.out.WriteString(";\n")
		return
	}
	if held(last) < confBuffer-1 {
		p.out.WriteByte(' ')
	}
	p.body(d.Body, level)
}

// body writes a block in braces.
func (p *printer) body(b *Block, level int) {
	p.out.WriteByte('{')
	if len(b.Directives) > 0 {
		p.out.WriteByte('\n')
		p.end = diag.Position{}
		p.block(b, level+1)
		p.indent(level)
	}
	p.out.WriteString("}\n")
	p.end = b.End
}

// words writes the name and the arguments of d, and returns the last one as written.
func (p *printer) words(d *Directive, level int) string {
	last, line := d.Name.source(), endLine(d.Name)
	p.out.WriteString(last)
	for _, w := range d.Args {
		if w.Pos.Line > line {
			p.out.WriteByte('\n')
			p.indent(level + 1)
		} else {
			p.out.WriteByte(' ')
		}
		last, line = w.source(), endLine(w)
		p.out.WriteString(last)
	}
	return last
}

// start begins a line for the source position pos, after an empty line if the source has one.
func (p *printer) start(pos diag.Position, level int) {
	if !p.end.IsZero() && p.end.File == pos.File && pos.Line > p.end.Line+1 {
		p.out.WriteByte('\n')
	}
	p.indent(level)
}

func (p *printer) indent(level int) {
	for range level {
		p.out.WriteString(indent)
	}
}

// endLine returns the line on which w ends.
func endLine(w Word) int { return w.Pos.Line + strings.Count(w.Raw, "\n") }

// source returns the best written form of the word. A word that nearly fills nginx's buffer is unchanged:
// one more quote could be too much.
func (w Word) source() string {
	const limit = confBuffer - 16
	if len(w.Raw) >= limit {
		return w.Raw
	}
	text := escape(w.Text, 0)
	if !isBare(text) {
		quote := quoteFor(w.Text)
		text = string(quote) + escape(w.Text, quote) + string(quote)
	}
	if len(text) >= limit && w.Raw != "" {
		return w.Raw
	}
	return text
}

// quoteFor returns the quote that needs no escape in text, or '"' if there is no difference.
func quoteFor(text string) byte {
	if strings.Contains(text, `"`) && !strings.Contains(text, "'") {
		return '\''
	}
	return '"'
}

// escape is the reverse of unescape, for a word in the given quotes or, if quote is 0, without quotes. It
// leaves a backslash single where nginx does.
func escape(text string, quote byte) string {
	if !strings.ContainsAny(text, "\\\t\r\n\"'") {
		return text
	}
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '\t':
			out.WriteString(`\t`)
		case '\r':
			out.WriteString(`\r`)
		case '\n':
			out.WriteString(`\n`)
		case '\\':
			i += escapeBackslash(&out, text[i+1:])
		default:
			if c == quote && quote != 0 {
				out.WriteByte('\\')
			}
			out.WriteByte(c)
		}
	}
	return out.String()
}

// escapeBackslash writes a backslash that is followed by rest, and returns how many bytes of rest it wrote:
// the escaped byte, unless nginx would interpret the pair differently.
func escapeBackslash(out *strings.Builder, rest string) int {
	out.WriteByte('\\')
	if rest != "" {
		if _, replaced := escaped(rest[0]); !replaced {
			out.WriteByte(rest[0])
			return 1
		}
	}
	out.WriteByte('\\')
	return 0
}

// isBare reports whether an escaped text is one word without quotes.
func isBare(text string) bool {
	if text == "" || strings.IndexByte(`"'#;{}`, text[0]) >= 0 {
		return false
	}
	return bareEnd(text, 0) == len(text)
}

// held returns how many bytes of nginx's buffer a written word uses: all except an opening quote.
func held(source string) int {
	if source[0] == '"' || source[0] == '\'' {
		return len(source) - 1
	}
	return len(source)
}
