package parser

import (
	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"

	"weir/parser/diag"
)

// parse reads one text as a file of the given path, or as the text of -g. It returns what can be read of
// it, and what was wrong there, if anything.
func parse(path, text string, globals bool) (*File, *diag.Diagnostic) {
	s := newScanner(path, text)
	s.globals = globals
	doc := read(s)
	file := &File{Path: path, Block: &doc.Statements.Block, Comments: s.comments}
	if !globals {
		own(file.Block, file)
	}
	return file, doc.fault()
}

// read applies the grammar. No text makes it fail: a scanner does not, the statements stop before what they
// do not know, and the rest may trail.
func read(s *scanner) *document {
	tokens, err := lexer.Upgrade(s)
	if err != nil {
		panic("parser: the scanner failed: " + err.Error())
	}
	doc, err := grammar.ParseFromLexer(tokens, participle.AllowTrailing(true))
	if err != nil {
		panic("parser: the grammar refused a text: " + err.Error())
	}
	return doc
}

// fault says in nginx's words why doc is not a whole file, and marks it; it returns nil if it is one.
func (doc *document) fault() *diag.Diagnostic {
	block := &doc.Statements.Block
	switch {
	case doc.Stray.Type == tokenFault:
		block.Incomplete = true
		return emerg(place(doc.Stray.Pos), doc.Stray.Value)
	case doc.Stray.Type == tokenClose:
		block.Incomplete = true
		return emerg(place(doc.Stray.Pos), unexpected('}'))
	case block.Incomplete:
		return emerg(block.End, `unexpected end of file, expecting "}"`)
	}
	return nil
}

// own tells every directive of block which file it is from.
func own(block *Block, file *File) {
	for _, d := range block.Directives {
		d.File = file
		if d.Body != nil {
			own(d.Body, file)
		}
	}
}

func emerg(pos diag.Position, message string) *diag.Diagnostic {
	return &diag.Diagnostic{Severity: diag.Emerg, Pos: pos, Line: pos.Line, Message: message}
}
