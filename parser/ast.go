// Package parser parses nginx.conf and its includes into a tree with positions. It knows nginx's words
// and blocks but no directive except include; other packages interpret the directives.
package parser

import "weir/parser/diag"

// A Word is a name or an argument.
type Word struct {
	Text   string        // its value: without quotes, escapes replaced
	Raw    string        // as written, quotes and escapes included
	Pos    diag.Position // of its first byte, which may be a quote
	Quoted bool          // written in quotes
}

// String returns the text of the word.
func (w Word) String() string { return w.Text }

// A Directive is a statement: a name, its arguments, and a body if it ends with a block. The lines of map,
// geo and similar blocks are also Directives: their first word is the Name.
//
// A Directive is not changed after loading, and may be in several trees.
type Directive struct {
	Name Word
	Args []Word
	Body *Block        // nil if the directive ends with ';'
	End  diag.Position // of its ';' or '{': the line that nginx prints in messages about it
	File *File         // the file that contains it; nil in the text of -g
}

// A Block is a sequence of directives: a whole file, or the part between '{' and '}'.
type Block struct {
	Directives []*Directive
	End        diag.Position // of its '}', or the end of the file
	// Incomplete is set if reading stopped in this block: Directives contains the part before the error,
	// and nginx's checks at a closing brace must be skipped.
	Incomplete bool
}

// A File is one file as written: Block contains its include directives unexpanded.
type File struct {
	Path  string // as opened, and as in messages
	Raw   []byte // not to be changed: words share its memory
	Block *Block
}

// A Tree is a whole configuration with its includes expanded: an included directive replaces the include
// and keeps the position in its own file. A Tree is not changed after loading.
type Tree struct {
	Root     *Block   // the directives of -g first, then those of the main file
	Files    []*File  // in the order they were first opened, each path once
	Patterns []string // full paths of the includes with '*', '?' or '[', each once
}
