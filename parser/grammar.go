package parser

import (
	"strings"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"

	"weir/parser/diag"
)

// document is one file: statements, and what stopped them if it was not the end of the file.
type document struct {
	Statements statements  `parser:"@@"`
	Stray      lexer.Token `parser:"@(Close | Fault)?"`
}

var grammar = participle.MustBuild[document](participle.Lexer(tokens{}))

// statements is, as a rule of the grammar,
//
//	statements = { word { word } ( Semicolon | Open statements Close ) }
//	word       = Word | Quoted
//
// It is written out because participle's reflection, at some microseconds a statement, would take longer
// than nginx takes for everything.
type statements struct{ Block }

// Parse takes statements for as long as they are whole; it stops before a stray brace, a fault and the end.
func (s *statements) Parse(lex *lexer.PeekingLexer) error {
	b := builder{lex: lex}
	s.Block = b.block()
	return nil
}

// A builder makes directives of tokens. It allocates them, and their words, many at a time.
type builder struct {
	lex        *lexer.PeekingLexer
	directives []Directive // not yet used
	words      []Word      // not yet used
	chunk      int         // how many were allocated last
}

// block takes statements up to a brace, a fault or the end, which remains. The block is incomplete if a
// statement in it is.
func (b *builder) block() Block {
	var block Block
	for isWord(b.lex.Peek()) && !block.Incomplete {
		d := b.statement()
		if d == nil {
			block.Incomplete = true
			break
		}
		block.Directives = append(block.Directives, d)
		block.Incomplete = d.Body != nil && d.Body.Incomplete
	}
	block.End = place(b.lex.Peek().Pos)
	return block
}

// statement takes one statement, and its body if it has one. It returns nil if a fault interrupts its words.
func (b *builder) statement() *Directive {
	start := b.lex.RawCursor()
	for isWord(b.lex.Peek()) {
		b.lex.Next()
	}
	stop := b.lex.Peek()
	if stop.Type != tokenSemicolon && stop.Type != tokenOpen {
		return nil
	}
	words := b.lex.Range(start, b.lex.RawCursor())
	b.lex.Next()
	d := b.directive(words)
	d.End = place(stop.Pos)
	if stop.Type == tokenOpen {
		d.Body = b.body()
	}
	return d
}

// body takes the rest of a block, its closing brace included.
func (b *builder) body() *Block {
	block := b.block()
	if b.lex.Peek().Type == tokenClose {
		b.lex.Next()
	} else {
		block.Incomplete = true
	}
	return &block
}

// directive returns a directive of the given words, the first of which is its name.
func (b *builder) directive(words []lexer.Token) *Directive {
	b.reserve(len(words) - 1)
	d := &b.directives[0]
	b.directives = b.directives[1:]
	d.Name = word(&words[0])
	args := words[1:]
	d.Args, b.words = b.words[:len(args):len(args)], b.words[len(args):]
	for i := range args {
		d.Args[i] = word(&args[i])
	}
	return d
}

// reserve sees to it that there is room for one directive of n arguments. Chunks grow up to 512, so that
// small files stay small.
func (b *builder) reserve(n int) {
	if len(b.directives) > 0 && len(b.words) >= n {
		return
	}
	b.chunk = min(max(2*b.chunk, 8), 512)
	if len(b.directives) == 0 {
		b.directives = make([]Directive, b.chunk)
	}
	if len(b.words) < n {
		b.words = make([]Word, max(n, b.chunk))
	}
}

// word returns the word that t holds, which must be of a kind of word.
func word(t *lexer.Token) Word {
	w := Word{Text: t.Value, Raw: t.Value, Pos: place(t.Pos)}
	if t.Type == tokenQuoted {
		w.Quoted = true
		w.Text = t.Value[1 : len(t.Value)-1]
	}
	if strings.IndexByte(w.Text, '\\') >= 0 {
		w.Text = unescape(w.Text)
	}
	return w
}

// unescape replaces the pairs of a backslash that nginx replaces, and keeps the others with their backslash.
func unescape(raw string) string {
	var text strings.Builder
	text.Grow(len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] == '\\' && i+1 < len(raw) {
			if c, ok := escaped(raw[i+1]); ok {
				text.WriteByte(c)
				i++
				continue
			}
		}
		text.WriteByte(raw[i])
	}
	return text.String()
}

// escaped returns the byte for which a backslash and c stand, if they are more than themselves.
func escaped(c byte) (byte, bool) {
	switch c {
	case '"', '\'', '\\':
		return c, true
	case 't':
		return '\t', true
	case 'r':
		return '\r', true
	case 'n':
		return '\n', true
	}
	return 0, false
}

func isWord(t *lexer.Token) bool { return t.Type == tokenWord || t.Type == tokenQuoted }

func place(p lexer.Position) diag.Position {
	return diag.Position{File: p.Filename, Line: p.Line, Col: p.Column}
}
