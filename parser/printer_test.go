package parser

import (
	"bytes"
	"strings"

	"weir/parser/diag"
)

const indent = "    "

// format returns f as text: one directive per line, four spaces per level, quotes and escapes only where
// needed. It keeps comments, line breaks between arguments, and one of several empty lines. Parsing the
// text gives the same directives. f must have been loaded without an error.
//
// To write a Tree with its includes expanded, pass a File that contains only its Root.
func format(f *File) []byte {
	p := printer{comments: f.Comments}
	p.block(f.Block, 0)
	return p.out.Bytes()
}

// A printer writes one file.
type printer struct {
	out      bytes.Buffer
	comments []Comment     // not yet written
	end      diag.Position // source position after the last output; zero if no empty line may follow
}

// block writes the directives of b, and the comments up to its end.
func (p *printer) block(b *Block, level int) {
	for i, d := range b.Directives {
		next := b.End
		if i+1 < len(b.Directives) {
			next = b.Directives[i+1].Name.Pos
		}
		p.directive(d, next, level)
	}
	p.commentsBefore(b.End, level)
}

// directive writes d, after the comments before it and in it. A comment that follows it on the same line,
// and before next, stays there.
func (p *printer) directive(d *Directive, next diag.Position, level int) {
	p.commentsBefore(d.End, level)
	p.start(d.Name.Pos, level)
	last := p.words(d, level)
	p.end = d.End
	if d.Body == nil {
		p.out.WriteByte(';')
		p.endLine(next)
		return
	}
	if held(last) < confBuffer-1 {
		p.out.WriteByte(' ')
	}
	p.body(d.Body, next, level)
}

// body writes a block in braces.
func (p *printer) body(b *Block, next diag.Position, level int) {
	p.out.WriteByte('{')
	if len(b.Directives) > 0 || p.hasComment(b.End) {
		p.endLine(start(b))
		p.end = diag.Position{}
		p.block(b, level+1)
		p.indent(level)
	}
	p.out.WriteByte('}')
	p.end = b.End
	p.endLine(next)
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

// endLine ends a line, with the comment at its end in the source, if that is before next.
func (p *printer) endLine(next diag.Position) {
	if p.hasComment(next) && p.comments[0].Pos.Line == p.end.Line {
		p.out.WriteByte(' ')
		p.comment()
		return
	}
	p.out.WriteByte('\n')
}

// commentsBefore writes the comments before pos, each on its own line.
func (p *printer) commentsBefore(pos diag.Position, level int) {
	for p.hasComment(pos) {
		at := p.comments[0].Pos
		p.start(at, level)
		p.comment()
		p.end = at
	}
}

// comment writes the next comment and ends its line. A comment that fills nginx's buffer is only valid at
// the end of a file without a final newline, and gets none.
func (p *printer) comment() {
	text := p.comments[0].Text
	p.comments = p.comments[1:]
	p.out.WriteString(text)
	if len(text) < confBuffer {
		p.out.WriteByte('\n')
	}
}

// hasComment reports whether the next comment is before pos.
func (p *printer) hasComment(pos diag.Position) bool {
	if len(p.comments) == 0 {
		return false
	}
	at := p.comments[0].Pos
	return at.Line < pos.Line || at.Line == pos.Line && at.Col < pos.Col
}

func (p *printer) indent(level int) {
	for range level {
		p.out.WriteString(indent)
	}
}

// start returns the position of the first thing in b.
func start(b *Block) diag.Position {
	if len(b.Directives) > 0 {
		return b.Directives[0].Name.Pos
	}
	return b.End
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
