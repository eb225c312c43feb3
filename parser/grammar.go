package parser

import (
	"strings"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"

	"weir/parser/diag"
)

// segment is the unit that the scanner returns: statements, and the fault that ends them, if any.
type segment struct {
	Statements statements  `parser:"@@"`
	Fault      lexer.Token `parser:"@Fault?"`
}

var grammar = participle.MustBuild[segment](participle.Lexer(tokens{}))

// statements is, as a rule of the grammar,
//
//	statements = { word { word } ( Semicolon | Open ) | Close }
//	word       = Word | Quoted
//
// It is written by hand because participle's reflection, at some microseconds per statement, would take
// longer than nginx takes for everything.
type statements struct{ list []statement }

// A statement is the result of ngx_conf_read_token: words and the ';' or '{' that ends them, or '}' alone.
type statement struct {
	words []lexer.Token
	stop  *lexer.Token
}

// Parse parses complete statements, and the words before a fault.
func (s *statements) Parse(lex *lexer.PeekingLexer) error {
	s.list = make([]statement, 0, segmentTokens/8*3)
	for {
		start := lex.RawCursor()
		for isWord(lex.Peek()) {
			lex.Next()
		}
		words := lex.Range(start, lex.RawCursor())
		switch lex.Peek().Type {
		case tokenSemicolon, tokenOpen, tokenClose:
			s.list = append(s.list, statement{words: words, stop: lex.Next()})
		default:
			return nil
		}
	}
}

// word returns the word of token t, which must be a word or quoted.
func word(t *lexer.Token) Word {
	w := Word{Text: t.Value, Raw: t.Value, Pos: toPosition(t.Pos)}
	if t.Type == tokenQuoted {
		w.Quoted = true
		w.Text = t.Value[1 : len(t.Value)-1]
	}
	if strings.IndexByte(w.Text, '\\') >= 0 {
		w.Text = unescape(w.Text)
	}
	return w
}

// unescape replaces the backslash escapes that nginx replaces, and keeps the others unchanged.
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

// escaped returns the byte that a backslash and c stand for, and false if they stand for themselves.
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

func toPosition(p lexer.Position) diag.Position {
	return diag.Position{File: p.Filename, Line: p.Line, Col: p.Column}
}
