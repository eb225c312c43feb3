package parser

import (
	"io/fs"
	"testing"
)

// FuzzLoad loads any text, with an included file, and formats the part that could be parsed.
func FuzzLoad(f *testing.F) {
	for _, row := range faults {
		f.Add("events {} "+row.text, "")
	}
	for _, row := range openBlocks {
		f.Add(row.text, "")
	}
	for _, row := range words {
		f.Add(row.raw+";", row.raw+" a;")
	}
	for _, row := range includeFaults {
		f.Add(row.main, row.files)
	}
	f.Add("include a; map b { include a; } c { include *; }", "# d\ne { f; } g;")
	f.Fuzz(func(t *testing.T, main, included string) {
		tree, list := Load(fuzzSource(main, included))
		if (list.Err() != nil) != tree.Root.Incomplete {
			t.Fatalf("%.200q: %v, but incomplete: %v", main, list, tree.Root.Incomplete)
		}
		for _, file := range tree.Files {
			if !file.Block.Incomplete {
				checkRoundTrip(t, file)
			}
		}
	})
}

// fuzzSource returns a source with a main file and one included file, available as "a" and for any pattern.
func fuzzSource(main, included string) Source {
	return Source{
		Path: "/main",
		Text: []byte(main),
		ReadFile: func(path string) ([]byte, error) {
			if path != "/a" {
				return nil, fs.ErrNotExist
			}
			return []byte(included), nil
		},
		Glob: func(string) ([]string, error) { return []string{"/a"}, nil },
	}
}
