package parser

import (
	"os"
	"slices"
	"strings"
	"unicode"
)

// Glob returns the paths that match an absolute pattern, in byte order, as glob(3) without flags does for
// nginx. Unlike path/filepath, '*' and '?' do not match a leading dot, "[!a]" is supported, and an
// unclosed '[' is literal. Unreadable directories match nothing.
func Glob(pattern string) ([]string, error) {
	dirs := []string{""}
	for rest := pattern; rest != "" && len(dirs) > 0; {
		var part string
		part, rest = splitPattern(rest)
		dirs = globPart(dirs, part, rest == "")
	}
	slices.Sort(dirs)
	return dirs, nil
}

// splitPattern splits the first name off a pattern, together with the slashes before it.
func splitPattern(pattern string) (part, rest string) {
	name := strings.TrimLeft(pattern, "/")
	end := strings.IndexByte(name, '/')
	if end < 0 {
		return pattern, ""
	}
	end += len(pattern) - len(name)
	return pattern[:end], pattern[end:]
}

// globPart extends each of the given paths by the names that match part there.
func globPart(dirs []string, part string, last bool) []string {
	name := strings.TrimLeft(part, "/")
	slashes := part[:len(part)-len(name)]
	var out []string
	for _, dir := range dirs {
		if !strings.ContainsAny(name, "*?[\\") {
			if path := dir + part; !last || exists(path) {
				out = append(out, path)
			}
			continue
		}
		for _, entry := range names(dir + slashes) {
			if Match(name, entry) {
				out = append(out, dir+slashes+entry)
			}
		}
	}
	return out
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// names returns the names in a directory, including "." and "..".
func names(dir string) []string {
	if dir == "" {
		dir = "."
	}
	f, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer f.Close()
	found, err := f.Readdirnames(-1)
	if err != nil {
		return nil
	}
	return append(found, ".", "..")
}

// Match reports whether a whole name matches a pattern without slashes. It works like fnmatch with
// FNM_PERIOD, on bytes.
func Match(pattern, name string) bool {
	if strings.HasPrefix(name, ".") && !strings.HasPrefix(pattern, ".") && !strings.HasPrefix(pattern, `\.`) {
		return false
	}
	return matchHere(pattern, name)
}

// matchHere matches from the left; after a mismatch the last '*' takes one byte more.
func matchHere(pattern, name string) bool {
	starPattern, starName := "", ""
	starred := false
	for name != "" || pattern != "" {
		if strings.HasPrefix(pattern, "*") {
			starred, starPattern, starName = true, pattern[1:], name
			pattern = pattern[1:]
			continue
		}
		if n, ok := matchOne(pattern, name); ok {
			pattern, name = pattern[n:], name[1:]
			continue
		}
		if !starred || starName == "" {
			return false
		}
		starName = starName[1:]
		pattern, name = starPattern, starName
	}
	return true
}

// matchOne matches the first byte of name, and returns the number of bytes of the pattern that it used.
func matchOne(pattern, name string) (taken int, ok bool) {
	if pattern == "" || name == "" {
		return 0, false
	}
	switch pattern[0] {
	case '?':
		return 1, true
	case '[':
		if set, n := setOf(pattern); n > 0 {
			return n, set.has(name[0])
		}
	case '\\':
		if len(pattern) > 1 {
			return 2, pattern[1] == name[0]
		}
	}
	return 1, pattern[0] == name[0]
}

// A byteSet is a bracket expression in a pattern.
type byteSet struct {
	in      [256]bool
	negated bool
}

func (s *byteSet) has(c byte) bool { return s.in[c] != s.negated }

// setOf parses the brackets at the start of a pattern and returns their length, 0 if they are not closed.
func setOf(pattern string) (*byteSet, int) {
	set := &byteSet{}
	i := 1
	if i < len(pattern) && (pattern[i] == '!' || pattern[i] == '^') {
		set.negated = true
		i++
	}
	for first := i; i < len(pattern); {
		if pattern[i] == ']' && i > first {
			return set, i + 1
		}
		i += set.add(pattern[i:])
	}
	return nil, 0
}

// add adds the first item of text to the set: a class, a range or a byte. It returns its length.
func (s *byteSet) add(text string) int {
	if class, n := classOf(text); n > 0 {
		for c := range s.in[:unicode.MaxASCII+1] {
			s.in[c] = s.in[c] || class(rune(c))
		}
		return n
	}
	low, n := member(text)
	high := low
	if len(text) > n+1 && text[n] == '-' && text[n+1] != ']' {
		var taken int
		high, taken = member(text[n+1:])
		n += 1 + taken
	}
	for c := int(low); c <= int(high); c++ {
		s.in[c] = true
	}
	return n
}

// member returns the byte at the start of text, which a backslash may escape, and its length.
func member(text string) (byte, int) {
	if text[0] == '\\' && len(text) > 1 {
		return text[1], 2
	}
	return text[0], 1
}

var classes = map[string]func(rune) bool{
	"alnum":  func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) },
	"alpha":  unicode.IsLetter,
	"blank":  func(r rune) bool { return r == ' ' || r == '\t' },
	"cntrl":  unicode.IsControl,
	"digit":  unicode.IsDigit,
	"graph":  func(r rune) bool { return r > ' ' && r < unicode.MaxASCII },
	"lower":  unicode.IsLower,
	"print":  func(r rune) bool { return r >= ' ' && r < unicode.MaxASCII },
	"punct":  func(r rune) bool { return unicode.IsPunct(r) || unicode.IsSymbol(r) },
	"space":  unicode.IsSpace,
	"upper":  unicode.IsUpper,
	"xdigit": func(r rune) bool { return strings.ContainsRune("0123456789abcdefABCDEF", r) },
}

// classOf returns the class for "[:name:]" at the start of text, and its length, 0 without one.
func classOf(text string) (func(rune) bool, int) {
	name, found := strings.CutPrefix(text, "[:")
	if !found {
		return nil, 0
	}
	name, _, found = strings.Cut(name, ":]")
	if class := classes[name]; found && class != nil {
		return class, len(name) + len("[::]")
	}
	return nil, 0
}
