package parser

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/participle/v2/lexer"
)

// The kinds of token. A statement is words and then a semicolon or an opening brace. A fault token takes
// the place of what is wrong and says so in its value; nothing but the end follows it.
const (
	tokenWord lexer.TokenType = iota + 1
	tokenQuoted
	tokenSemicolon
	tokenOpen
	tokenClose
	tokenFault
)

const (
	// confBuffer is the size of the buffer through which nginx reads a file (NGX_CONF_BUFFER). No word and
	// no comment may fill it, because it must be held there whole.
	confBuffer = 4096
	// maxNesting is how deep blocks may be nested; nginx has no such limit, only its stack.
	maxNesting = 256
	// segmentTokens is the limit of a segment. A token is large, and participle wants all of a text before
	// it begins.
	segmentTokens = 256
)

// tokens is nginx's token rules as a lexer definition of participle.
type tokens struct{}

// Symbols names the kinds of token for the grammar.
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

// Lex returns the tokens of the file that r holds.
func (tokens) Lex(filename string, r io.Reader) (lexer.Lexer, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return newScanner(filename, string(text)), nil
}

// A scanner cuts one text into tokens, by the rules of ngx_conf_read_token. With a limit it gives them in
// segments, each of which looks like a whole text and ends between statements.
type scanner struct {
	name      string
	text      string
	globals   bool // the text is that of -g: no blocks, and no buffer to fill
	comments  []Comment
	at        int  // the next byte
	line      int  // the line of text[at]
	lineStart int  // where that line begins
	words     int  // of the statement so far
	depth     int  // of open blocks
	unspaced  bool // the last token was a quoted word: see afterQuoted
	limit     int  // after how many tokens a segment ends, once the statement does; 0: never
	taken     int  // tokens of this segment
	ended     bool // at the end of the text, or at a fault
}

func newScanner(name, text string) *scanner {
	return &scanner{name: name, text: text, line: 1}
}

// resume begins the next segment.
func (s *scanner) resume() { s.taken = 0 }

// Next returns the next token, or an end where the segment ends. It never fails: what is wrong is a token,
// too, so that all that precedes it can be had.
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

// afterQuoted judges the byte after a closing quote, which must be white space, ';', '{' or ')'.
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

// skipBlank goes on to where a token begins, and keeps the comments on the way.
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
	text := strings.TrimRight(s.text[start:end], " \t\r")
	s.comments = append(s.comments, Comment{Text: text, Pos: toPosition(s.position(start))})
	s.at = end
	return lexer.Token{}, false
}

// end judges the end of the text. nginx minds an unfinished statement here; the grammar minds open blocks.
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

// word takes a word without quotes: at least one byte, whatever it is.
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

// quoted takes a word in quotes. For nginx's buffer it begins after the first of them.
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

// unfinished is the fault of a word that the text ends in.
func (s *scanner) unfinished() lexer.Token {
	s.words++
	s.advance(len(s.text))
	return s.end()
}

// lastRead returns the index of the last byte that nginx reads before it lets go of a word that ends
// before end: the one that ends it, or, if that is white space, the next.
func (s *scanner) lastRead(end int) int {
	if end < len(s.text) && isSpace(s.text[end]) {
		return end + 1
	}
	return end
}

// overflows reports whether nginx's buffer is full when it has to hold what begins at start and asks for
// the byte at last. At the end of the file it does not ask.
func (s *scanner) overflows(start, last int) bool {
	return last-start >= confBuffer && start+confBuffer < len(s.text) && !s.globals
}

// tooLong is the fault of a word that fills the buffer; pos is its first byte, start where nginx's record
// of it begins, and quote the quote that is open when the buffer is full, or 0.
func (s *scanner) tooLong(pos, start int, quote byte) lexer.Token {
	if quote != 0 {
		return s.fault(pos, fmt.Sprintf(`too long parameter, probably missing terminating "%c" character`, quote))
	}
	return s.fault(pos, fmt.Sprintf(`too long parameter "%s..." started`, s.text[start:start+10]))
}

// take returns the token of the given kind that ends before end, and goes on there.
func (s *scanner) take(kind lexer.TokenType, end int) lexer.Token {
	t := lexer.Token{Type: kind, Value: s.text[s.at:end], Pos: s.position(s.at)}
	s.advance(end)
	return t
}

func (s *scanner) fault(at int, message string) lexer.Token {
	s.ended = true
	return lexer.Token{Type: tokenFault, Value: message, Pos: s.position(at)}
}

// advance goes on to end and counts the lines on the way.
func (s *scanner) advance(end int) {
	passed := s.text[s.at:end]
	if n := strings.Count(passed, "\n"); n > 0 {
		s.line += n
		s.lineStart = s.at + strings.LastIndexByte(passed, '\n') + 1
	}
	s.at = end
}

// position returns the place of the byte at i, which must be on the line reached.
func (s *scanner) position(i int) lexer.Position {
	return lexer.Position{Filename: s.name, Offset: i, Line: s.line, Column: i - s.lineStart + 1}
}

// bareEnd returns the end of the unquoted word that begins at i. It ends before white space, ';' or '{',
// unless hidden by a backslash, and but for the '{' after a '$'.
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

// quotedEnd returns the end of the word whose opening quote is before i, its closing quote included, and
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
