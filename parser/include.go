package parser

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"unsafe"

	"weir/parser/diag"
)

// maxIncludes limits the nesting of includes. nginx has no such limit: a file that includes itself makes
// it run out of descriptors.
const maxIncludes = 100

var tooDeep = fmt.Sprintf("files include one another more than %d levels deep", maxIncludes)

// A bodyKind is the meaning of include in a block.
type bodyKind int

const (
	directives bodyKind = iota // nginx's own include
	pairs                      // map: an include of one argument; any other is a wrong pair
	ranges                     // geo: the same, but pattern characters count only in the argument, not in the prefix
	opaque                     // split_clients: an ordinary word
)

// valueBlocks are the blocks whose lines are not directives. The caller checks whether such a block is
// allowed at its position, before its contents matter.
var valueBlocks = map[string]bodyKind{
	"map":           pairs,
	"num_map":       pairs,
	"geo":           ranges,
	"split_clients": opaque,
}

// A loader reads the files of one Source into one Tree.
type loader struct {
	src   Source
	tree  *Tree
	files map[string]*source
	depth int // of the includes being expanded
}

// A source is a file that has been read, and its fault, if any.
type source struct {
	*File
	fault *diag.Diagnostic
}

func newLoader(src Source) *loader {
	if src.Prefix == "" {
		src.Prefix = src.Path[:strings.LastIndexByte(src.Path, '/')+1]
	}
	if src.ReadFile == nil {
		src.ReadFile = ReadFile
	}
	if src.Glob == nil {
		src.Glob = Glob
	}
	return &loader{src: src, tree: &Tree{Root: &Block{}}, files: map[string]*source{}}
}

// expand returns block with its includes replaced by the contents of files; it returns block itself if
// there are none. At a fault it returns the part before the fault, incomplete.
func (l *loader) expand(block *Block, kind bodyKind) (*Block, *diag.Diagnostic) {
	for i, d := range block.Directives {
		if isPlain(d) {
			continue
		}
		into, fault := l.replace(d, kind)
		if fault == nil && len(into) == 1 && into[0] == d {
			continue
		}
		out := &Block{End: block.End, Incomplete: block.Incomplete}
		out.Directives = append(slices.Clone(block.Directives[:i]), into...)
		if fault == nil {
			fault = l.expandRest(out, block.Directives[i+1:], kind)
		}
		out.Incomplete = out.Incomplete || fault != nil
		return out, fault
	}
	return block, nil
}

// expandRest appends the expansion of the given directives to out.
func (l *loader) expandRest(out *Block, rest []*Directive, kind bodyKind) *diag.Diagnostic {
	for _, d := range rest {
		if isPlain(d) {
			out.Directives = append(out.Directives, d)
			continue
		}
		into, fault := l.replace(d, kind)
		out.Directives = append(out.Directives, into...)
		if fault != nil {
			return fault
		}
	}
	return nil
}

// isPlain reports whether d stays unchanged, as nearly all do.
func isPlain(d *Directive) bool { return d.Body == nil && d.Name.Text != "include" }

// replace returns the directives that replace d after expansion.
func (l *loader) replace(d *Directive, kind bodyKind) ([]*Directive, *diag.Diagnostic) {
	if isInclude(d, kind) {
		return l.include(d, kind)
	}
	if d.Body == nil || l.src.Outermost {
		return []*Directive{d}, nil
	}
	body, fault := l.expand(d.Body, valueBlocks[d.Name.Text])
	if body == d.Body {
		return []*Directive{d}, fault
	}
	changed := *d
	changed.Body = body
	return []*Directive{&changed}, fault
}

// isInclude reports whether d is an include, valid or not. In a value block, an include with a wrong
// number of arguments is an ordinary line, which the caller reports.
func isInclude(d *Directive, kind bodyKind) bool {
	if d.Name.Text != "include" || kind == opaque {
		return false
	}
	return kind == directives || len(d.Args) == 1 && d.Body == nil
}

// include returns the directives of the files that d names, as in ngx_conf_include.
func (l *loader) include(d *Directive, kind bodyKind) ([]*Directive, *diag.Diagnostic) {
	switch {
	case d.Body != nil:
		return nil, errorAt(d, d.Name, `directive "include" is not terminated by ";"`)
	case len(d.Args) != 1:
		return nil, errorAt(d, d.Name, `invalid number of arguments in "include" directive`)
	case l.depth == maxIncludes:
		return nil, errorAt(d, d.Name, tooDeep)
	}
	paths, fault := l.paths(d, kind)
	if fault != nil {
		return nil, fault
	}
	l.depth++
	defer func() { l.depth-- }()
	if len(paths) == 1 {
		return l.includeFile(d, paths[0], kind)
	}
	var all []*Directive
	for _, path := range paths {
		some, fault := l.includeFile(d, path, kind)
		all = append(all, some...)
		if fault != nil {
			return all, fault
		}
	}
	return all, nil
}

// paths returns the full paths of the files that d names, sorted by name for a pattern.
func (l *loader) paths(d *Directive, kind bodyKind) ([]string, *diag.Diagnostic) {
	path := d.Args[0].Text
	if !strings.HasPrefix(path, "/") {
		path = l.src.Prefix + path
	}
	word := path
	if kind == ranges {
		word = d.Args[0].Text
	}
	if !strings.ContainsAny(word, "*?[") {
		return []string{path}, nil
	}
	if !slices.Contains(l.tree.Patterns, path) {
		l.tree.Patterns = append(l.tree.Patterns, path)
	}
	paths, err := l.src.Glob(path)
	if err != nil {
		return nil, errorAt(d, d.Args[0], fmt.Sprintf(`glob() "%s" failed (%s)`, path, diag.Cause(err)))
	}
	return paths, nil
}

// includeFile returns the directives of one file that d includes.
func (l *loader) includeFile(d *Directive, path string, kind bodyKind) ([]*Directive, *diag.Diagnostic) {
	file, fault := l.file(path)
	if fault != nil {
		if fault.Severity == diag.Emerg {
			fault = errorAt(d, d.Args[0], fault.Message)
		}
		return nil, fault
	}
	block, fault := l.expand(file.Block, kind)
	return block.Directives, first(fault, file.fault)
}

// file returns the file at path, which is read only once. A fault here has no position.
func (l *loader) file(path string) (*source, *diag.Diagnostic) {
	if known := l.files[path]; known != nil {
		return known, nil
	}
	raw, err := l.read(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	// The loader owns the bytes, and a table may be large: the text is not copied.
	file, fault := parse(path, unsafe.String(unsafe.SliceData(raw), len(raw)), false)
	file.Raw = raw
	l.files[path] = &source{File: file, fault: fault}
	l.tree.Files = append(l.tree.Files, file)
	return l.files[path], nil
}

func (l *loader) read(path string) ([]byte, error) {
	if l.src.Text != nil && path == l.src.Path {
		return l.src.Text, nil
	}
	return l.src.ReadFile(path)
}

// unreadable returns nginx's message that a file cannot be opened or, at a lower level and never with a
// position, that it was opened and cannot be read.
func unreadable(path string, err error) *diag.Diagnostic {
	var how *fs.PathError
	if errors.As(err, &how) && how.Op == "read" {
		message := fmt.Sprintf(`pread() "%s" failed (%s)`, path, diag.Cause(err))
		return &diag.Diagnostic{Severity: diag.Crit, Message: message, NoPlace: true}
	}
	message := fmt.Sprintf(`open() "%s" failed (%s)`, path, diag.Cause(err))
	return &diag.Diagnostic{Severity: diag.Emerg, Message: message, NoPlace: true}
}

// errorAt returns a diagnostic about a word of d.
func errorAt(d *Directive, w Word, message string) *diag.Diagnostic {
	return &diag.Diagnostic{Severity: diag.Emerg, Pos: w.Pos, Line: d.End.Line, Message: message}
}
