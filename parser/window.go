package parser

import "github.com/alecthomas/participle/v2/lexer"

// A window contains the tokens of a segment for participle. It is refilled for each segment: participle
// would allocate its own lexer for every segment, and a large file has very many.
type window struct {
	lex    *lexer.PeekingLexer
	tokens []lexer.Token // the tokens of lex
}

// newWindow returns a window with room for a segment that ends soon after its limit.
func newWindow() *window {
	w := &window{}
	w.grow(segmentTokens + segmentTokens/8)
	return w
}

// grow makes room for n tokens, and keeps the present ones.
func (w *window) grow(n int) {
	lex, err := lexer.Upgrade(&blanks{left: n - 1})
	if err != nil {
		panic("parser: blank tokens failed: " + err.Error())
	}
	tokens := lex.Range(0, lexer.RawCursor(n))
	copy(tokens, w.tokens)
	w.lex, w.tokens = lex, tokens
}

// fill puts the tokens of the next segment of s into the window, up to an end token, and returns their
// lexer.
func (w *window) fill(s *scanner) *lexer.PeekingLexer {
	s.resume()
	for i := 0; ; i++ {
		if i == len(w.tokens) {
			w.grow(2 * len(w.tokens))
		}
		if w.tokens[i] = s.next(); w.tokens[i].EOF() {
			break
		}
	}
	w.lex.LoadCheckpoint(lexer.Checkpoint{})
	return w.lex
}

// blanks returns left tokens without meaning, and an end token.
type blanks struct{ left int }

// Next returns the next token.
func (b *blanks) Next() (lexer.Token, error) {
	if b.left == 0 {
		return lexer.Token{Type: lexer.EOF}, nil
	}
	b.left--
	return lexer.Token{Type: tokenWord}, nil
}
