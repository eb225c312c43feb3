package parser

import (
	"io"

	"weir/parser/diag"
)

// A Source says where a configuration comes from.
type Source struct {
	Path    string // full path of the main file
	Text    []byte // if not nil, stands for the contents of Path
	Prefix  string // what relative includes are appended to; "": the directory of Path, with its slash
	Globals string // the text of -g

	ReadFile func(path string) ([]byte, error)      // nil: from the file system
	Glob     func(pattern string) ([]string, error) // nil: Glob
}

// Load reads the main file of src and all that it includes. nginx reads and judges a configuration in one go, and stops at
// the first error of either kind; so Load returns what it has read until its own first error, together
// with that error. Whatever the caller finds wrong in the tree precedes it.
func Load(src Source) (*Tree, diag.List) {
	panic("parser: not there yet")
}

// Dump writes every file of t as nginx -T does.
func (t *Tree) Dump(w io.Writer) error {
	panic("parser: not there yet")
}
