package parser

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/participle/v2/lexer"
)

// The kinds of token. A statement is words and then a semicolon or an opening brace. A fault token
// replaces an error and has its message as value; only the end follows it.
const (
	tokenWord lexer.TokenType = iota + 1
	tokenQuoted
	tokenSemicolon
	tokenOpen
	tokenClose
	tokenFault
)

const (
	// confBuffer is the size of the buffer through which nginx reads a file (NGX_CONF_BUFFER). A word or
	// comment must not fill it, because the buffer must contain it whole.
	confBuffer = 4096
	// maxNesting limits the nesting of blocks; nginx is limited only by its stack.
	maxNesting = 256
	// segmentTokens is the limit of a segment. A token is large, and participle needs all tokens of a text
	// before it starts.
	segmentTokens = 256
)

// tokens implements nginx's token rules as a lexer definition for participle.
type tokens struct{}

// Symbols returns the names of the kinds of token for the grammar.
func (tokens) Symbols() map[string]lexer.TokenType {
	return map[string]lexer.TokenType{
		"EOF":       lexer.EOF,
		"Word":      tokenWord,
		"Quoted":    tokenQuoted,
		"Semicolon": tokenSemicolon,
		"Open":      tokenOpen,
		"Close":     tokenClose,
		"Fault":     tokenFault,
	}
}

// Lex returns the tokens of the text in r.
func (tokens) Lex(filename string, r io.Reader) (lexer.Lexer, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return newScanner(filename, string(text)), nil
}

// A scanner splits one text into tokens, by the rules of ngx_conf_read_token. With a limit it returns
// them in segments, each of which looks like a whole text and ends between statements.
type scanner struct {
	name      string
	text      string
	globals   bool // the text is that of -g: no blocks, and no buffer to fill
	at        int  // the next byte
	line      int  // the line of text[at]
	lineStart int  // the index of that line's first byte
	words     int  // in the statement so far
	depth     int  // the number of open blocks
	unspaced  bool // the last token was a quoted word: see afterQuoted
	limit     int  // a segment ends after so many tokens, at the end of a statement; 0 disables it
	taken     int  // tokens in this segment
	ended     bool // at the end of the text, or at a fault
}

func newScanner(name, text string) *scanner {
	return &scanner{name: name, text: text, line: 1}
}

// resume begins the next segment.
func (s *scanner) resume() { s.taken = 0 }

// Next returns the next token, or an end token at the end of the segment. It never fails: an error is also
// a token, so that the caller gets everything before it.
func (s *scanner) Next() (lexer.Token, error) { return s.next(), nil }

func (s *scanner) next() lexer.Token {
	if s.ended || s.limit > 0 && s.taken >= s.limit && s.words == 0 {
		return lexer.EOFToken(s.position(s.at))
	}
	s.taken++
	return s.token()
}

func (s *scanner) token() lexer.Token {
	if s.unspaced {
		s.unspaced = false
		if fault, bad := s.afterQuoted(); bad {
			return fault
		}
	}
	if fault, bad := s.skipBlank(); bad {
		return fault
	}
	if s.at == len(s.text) {
		return s.end()
	}
	switch s.text[s.at] {
	case ';':
		return s.semicolon()
	case '{':
		return s.open()
	case '}':
		return s.close()
	case '"', '\'':
		return s.quoted()
	}
	return s.word()
}

// afterQuoted checks the byte after a closing quote, which must be white space, ';', '{' or ')'.
func (s *scanner) afterQuoted() (lexer.Token, bool) {
	if s.at == len(s.text) {
		return lexer.Token{}, false
	}
	c := s.text[s.at]
	if isSpace(c) || c == ';' || c == '{' || c == ')' {
		return lexer.Token{}, false
	}
	return s.fault(s.at, unexpected(c)), true
}

// skipBlank advances to the next token, over white space and comments.
func (s *scanner) skipBlank() (lexer.Token, bool) {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case '\n':
			s.at++
			s.line++
			s.lineStart = s.at
		case ' ', '\t', '\r':
			s.at++
		case '#':
			if fault, bad := s.comment(); bad {
				return fault, true
			}
		default:
			return lexer.Token{}, false
		}
	}
	return lexer.Token{}, false
}

func (s *scanner) comment() (lexer.Token, bool) {
	start, end := s.at, len(s.text)
	if n := strings.IndexByte(s.text[start:], '\n'); n >= 0 {
		end = start + n
	}
	if s.overflows(start, end) {
		return s.tooLong(start, start, 0), true
	}
	s.at = end
	return lexer.Token{}, false
}

// end checks the end of the text. The lexer reports an unfinished statement; the grammar reports unclosed
// blocks.
func (s *scanner) end() lexer.Token {
	if s.words == 0 {
		s.ended = true
		return lexer.EOFToken(s.position(s.at))
	}
	if s.globals {
		return s.fault(s.at, `unexpected end of parameter, expecting ";"`)
	}
	return s.fault(s.at, `unexpected end of file, expecting ";" or "}"`)
}

func (s *scanner) semicolon() lexer.Token {
	if s.words == 0 {
		return s.fault(s.at, unexpected(';'))
	}
	s.words = 0
	return s.take(tokenSemicolon, s.at+1)
}

func (s *scanner) open() lexer.Token {
	switch {
	case s.words == 0:
		return s.fault(s.at, unexpected('{'))
	case s.globals:
		return s.fault(s.at, "block directives are not supported in -g option")
	case s.depth == maxNesting:
		return s.fault(s.at, fmt.Sprintf("blocks are nested more than %d levels deep", maxNesting))
	}
	s.words = 0
	s.depth++
	return s.take(tokenOpen, s.at+1)
}

func (s *scanner) close() lexer.Token {
	if s.words > 0 {
		return s.fault(s.at, unexpected('}'))
	}
	s.depth--
	return s.take(tokenClose, s.at+1)
}

// word scans a word without quotes: at least one byte, of any value.
func (s *scanner) word() lexer.Token {
	end := bareEnd(s.text, s.at)
	if s.overflows(s.at, s.lastRead(end)) {
		return s.tooLong(s.at, s.at, 0)
	}
	if end == len(s.text) {
		return s.unfinished()
	}
	s.words++
	return s.take(tokenWord, end)
}

// quoted scans a word in quotes. nginx's buffer contains it from the byte after the opening quote.
func (s *scanner) quoted() lexer.Token {
	quote, start := s.text[s.at], s.at+1
	end, closed := quotedEnd(s.text, start, quote)
	if s.overflows(start, end-1) {
		return s.tooLong(s.at, start, quote)
	}
	if !closed {
		return s.unfinished()
	}
	if s.overflows(start, s.lastRead(end)) {
		return s.tooLong(s.at, start, 0)
	}
	s.words++
	s.unspaced = true
	return s.take(tokenQuoted, end)
}

// unfinished returns the fault for a word that the end of the text interrupts.
func (s *scanner) unfinished() lexer.Token {
	s.words++
	s.advance(len(s.text))
	return s.end()
}

// lastRead returns the index of the last byte that nginx reads before it finishes a word that ends before
// end: the byte after the word or, if that is white space, the next.
func (s *scanner) lastRead(end int) int {
	if end < len(s.text) && isSpace(s.text[end]) {
		return end + 1
	}
	return end
}

// overflows reports whether nginx's buffer is full when it must contain the bytes from start and nginx
// reads the byte at last. At the end of the file it reads no more.
func (s *scanner) overflows(start, last int) bool {
	return last-start >= confBuffer && start+confBuffer < len(s.text) && !s.globals
}

// tooLong returns the fault for a word that fills the buffer; pos is its first byte, start is the start
// of nginx's copy of it, and quote is the open quote when the buffer is full, or 0.
func (s *scanner) tooLong(pos, start int, quote byte) lexer.Token {
	if quote != 0 {
		return s.fault(pos, fmt.Sprintf(`too long parameter, probably missing terminating "%c" character`, quote))
	}
	return s.fault(pos, fmt.Sprintf(`too long parameter "%s..." started`, s.text[start:start+10]))
}

// take returns the token of the given kind that ends before end, and advances to end.
func (s *scanner) take(kind lexer.TokenType, end int) lexer.Token {
	t := lexer.Token{Type: kind, Value: s.text[s.at:end], Pos: s.position(s.at)}
	s.advance(end)
	return t
}

func (s *scanner) fault(at int, message string) lexer.Token {
	s.ended = true
	return lexer.Token{Type: tokenFault, Value: message, Pos: s.position(at)}
}

// advance advances to end and counts the lines on the way.
func (s *scanner) advance(end int) {
	passed := s.text[s.at:end]
	if n := strings.Count(passed, "\n"); n > 0 {
		s.line += n
		s.lineStart = s.at + strings.LastIndexByte(passed, '\n') + 1
	}
	s.at = end
}

// position returns the position of the byte at i, which must be on the current line.
func (s *scanner) position(i int) lexer.Position {
	return lexer.Position{Filename: s.name, Offset: i, Line: s.line, Column: i - s.lineStart + 1}
}

// bareEnd returns the end of the unquoted word that begins at i. It ends before white space, ';' or '{',
// unless a backslash escapes them; a '{' after a '$' does not end it.
func bareEnd(text string, i int) int {
	variable := false
	for ; i < len(text); i++ {
		switch c := text[i]; c {
		case ' ', '\t', '\r', '\n', ';':
			return i
		case '{':
			if !variable {
				return i
			}
		case '\\':
			i++
			variable = false
		default:
			variable = c == '$'
		}
	}
	return len(text)
}

// quotedEnd returns the end of the word whose opening quote is before i, including its closing quote, and
// whether there is one.
func quotedEnd(text string, i int, quote byte) (end int, closed bool) {
	for ; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case quote:
			return i + 1, true
		}
	}
	return len(text), false
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func unexpected(c byte) string { return `unexpected "` + string([]byte{c}) + `"` }
