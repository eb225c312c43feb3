package parser

import (
	"bytes"
	"io"
	"os"
	"slices"

	"weir/parser/diag"
)

// A Source describes where a configuration is read from.
type Source struct {
	Path    string // full path of the main file
	Text    []byte // if not nil, replaces the contents of Path
	Prefix  string // prefix for relative includes; "" means the directory of Path, with its slash
	Globals string // the text of -g
	// Outermost leaves includes in blocks unexpanded, for callers that need only directives outside blocks.
	Outermost bool

	// ReadFile returns the contents of a file; nil means function ReadFile. An error whose chain contains a
	// *fs.PathError with the Op "read" stands for a failed pread() in nginx, any other for a failed open().
	ReadFile func(path string) ([]byte, error)
	// Glob returns the paths that match a pattern, in nginx's order; nil means function Glob.
	Glob func(pattern string) ([]string, error)
}

// Load reads the main file of src and all its includes. nginx parses and checks a configuration in one
// pass, and stops at the first error of either kind. So Load returns the tree before its own first error,
// together with that error: any error that the caller finds in the tree comes first. The tree is never
// nil, and the list never has more than one element.
func Load(src Source) (*Tree, diag.List) {
	l := newLoader(src)
	fault := l.load()
	l.tree.Root.Incomplete = fault != nil
	if fault != nil {
		return l.tree, diag.List{*fault}
	}
	return l.tree, nil
}

// load fills the tree: first the text of -g, then the main file.
func (l *loader) load() *diag.Diagnostic {
	root := l.tree.Root
	if l.src.Globals != "" {
		globals, bad := parse("", l.src.Globals, true)
		block, fault := l.expand(globals.Block, directives)
		root.Directives = slices.Clip(block.Directives)
		if fault = first(fault, bad); fault != nil {
			return fault
		}
	}
	main, fault := l.file(l.src.Path)
	if fault != nil {
		return fault
	}
	block, fault := l.expand(main.Block, directives)
	root.End = block.End
	if len(root.Directives) == 0 {
		root.Directives = block.Directives
	} else {
		root.Directives = append(root.Directives, block.Directives...)
	}
	return first(fault, main.fault)
}

// first returns the first non-nil fault; nil if there is none.
func first(faults ...*diag.Diagnostic) *diag.Diagnostic {
	for _, f := range faults {
		if f != nil {
			return f
		}
	}
	return nil
}

// ReadFile returns the content of a file, up to the size that the file system reports: as in nginx, a pipe
// or a device is empty. It is the default of Source.ReadFile.
func ReadFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	size := info.Size()
	if info.IsDir() {
		size = max(size, 1) // reading a directory must fail, whatever size it has
	}
	var raw bytes.Buffer
	raw.Grow(int(min(size, 1<<26)) + bytes.MinRead)
	_, err = raw.ReadFrom(io.LimitReader(f, size))
	return raw.Bytes(), err
}

// Dump writes every file of t as nginx -T does: its path, its bytes, and an empty line.
func (t *Tree) Dump(w io.Writer) error {
	for _, f := range t.Files {
		for _, part := range [][]byte{[]byte("# configuration file " + f.Path + ":\n"), f.Raw, []byte("\n")} {
			if _, err := w.Write(part); err != nil {
				return err
			}
		}
	}
	return nil
}
