// Package parser reads nginx.conf and what it includes into a tree with positions, and writes a tree back
// as text. It knows nginx's words and blocks but no directive except include: meaning is given later.
package parser

import "weir/parser/diag"

// A Word is a name or an argument.
type Word struct {
	Text   string        // what it means: without its quotes, escapes replaced
	Raw    string        // as written, quotes and escapes included
	Pos    diag.Position // its first byte, which may be a quote
	Quoted bool          // written in quotes
}

// String returns the text of the word.
func (w Word) String() string { return w.Text }

// A Directive is a statement: a name, its arguments, and a body if it ends with a block. The lines of map,
// geo and the like are Directives too: their first word is the Name.
//
// A Directive is not changed once it has been loaded, and one may appear in several trees.
type Directive struct {
	Name Word
	Args []Word
	Body *Block        // nil if the directive ends with ';'
	End  diag.Position // its ';' or '{': the line that nginx prints in messages about it
	File *File         // where it is written; nil in the text of -g
}

// A Block is a sequence of directives: the whole of a file, or what stands between '{' and '}'.
type Block struct {
	Directives []*Directive
	End        diag.Position // its '}', or the end of the file
	// Incomplete is set if reading stopped in this block: Directives holds what precedes the error, and
	// what nginx checks at a closing brace must not be checked.
	Incomplete bool
}

// A File is one file as written: its include directives stand unexpanded in Block.
type File struct {
	Path     string // as opened, and as messages name it
	Raw      []byte // not to be changed: words share its memory
	Block    *Block
	Comments []Comment
}

// A Comment is a '#' and the rest of its line.
type Comment struct {
	Text string // from '#', without white space at the end of the line
	Pos  diag.Position
}

// A Tree is a whole configuration with its includes expanded: an included directive stands where the
// include stood and keeps the positions of its own file. A Tree is not changed once it has been loaded.
type Tree struct {
	Root     *Block   // the directives of -g first, then those of the main file
	Files    []*File  // in the order they were first opened, each path once
	Patterns []string // full paths of the includes that hold '*', '?' or '[', each once
}
