package parser

import (
	"github.com/alecthomas/participle/v2/lexer"

	"weir/parser/diag"
)

// parse parses one text as a file with the given path, or as the text of -g. It returns the part that can
// be parsed, and the fault, if any.
func parse(path, text string, globals bool) (*File, *diag.Diagnostic) {
	s := newScanner(path, text)
	s.globals, s.limit = globals, segmentTokens
	file := &File{Path: path, Block: &Block{}}
	b := builder{open: []*Block{file.Block}, window: newWindow()}
	if !globals {
		b.file = file
	}
	return file, b.build(s)
}

// A builder builds blocks from statements, as ngx_conf_parse does, but without recursion. It allocates
// directives and their words many at a time.
type builder struct {
	file       *File    // of every directive; nil for the text of -g
	open       []*Block // the file's own block first, the innermost last
	window     *window
	directives []Directive
	words      []Word
	chunk      int // size of the last allocation
}

// build reads all statements of s. Blocks that are open at a fault are incomplete.
func (b *builder) build(s *scanner) *diag.Diagnostic {
	var fault *diag.Diagnostic
	for fault == nil && !s.ended {
		fault = b.segment(b.read(s))
	}
	end := toPosition(s.position(s.at))
	if fault == nil && len(b.open) > 1 {
		fault = emerg(end, `unexpected end of file, expecting "}"`)
	}
	for _, block := range b.open {
		block.End = end
		block.Incomplete = fault != nil
	}
	return fault
}

// read parses the next segment. No text makes it fail: the scanner does not fail, and returns only
// statements and a fault.
func (b *builder) read(s *scanner) *segment {
	seg, err := grammar.ParseFromLexer(b.window.fill(s))
	if err != nil {
		panic("parser: the grammar refused a text: " + err.Error())
	}
	return seg
}

func (b *builder) segment(seg *segment) *diag.Diagnostic {
	for _, st := range seg.Statements.list {
		if st.stop.Type != tokenClose {
			b.statement(st)
			continue
		}
		if len(b.open) == 1 {
			return emerg(toPosition(st.stop.Pos), unexpected('}'))
		}
		b.innermost().End = toPosition(st.stop.Pos)
		b.open = b.open[:len(b.open)-1]
	}
	if seg.Fault.Type == tokenFault {
		return emerg(toPosition(seg.Fault.Pos), seg.Fault.Value)
	}
	return nil
}

// statement adds a directive to the innermost block, and opens its body if it has one.
func (b *builder) statement(st statement) {
	d := b.directive(st.words)
	d.End = toPosition(st.stop.Pos)
	d.File = b.file
	into := b.innermost()
	into.Directives = append(into.Directives, d)
	if st.stop.Type == tokenOpen {
		d.Body = &Block{}
		b.open = append(b.open, d.Body)
	}
}

func (b *builder) innermost() *Block { return b.open[len(b.open)-1] }

// directive returns a directive with the given words; the first is its name.
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

// reserve makes room for one directive with n arguments. Chunks grow up to 512, so that small files use
// little memory.
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

func emerg(pos diag.Position, message string) *diag.Diagnostic {
	return &diag.Diagnostic{Severity: diag.Emerg, Pos: pos, Line: pos.Line, Message: message}
}
