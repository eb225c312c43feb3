package parser

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestGolden loads nginx.conf of each archive in testdata, with the other files of the archive, and
// compares the tree and the formatted main file with the archive's "tree" and "format".
func TestGolden(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal("no golden files", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) { golden(t, path) })
	}
}

func golden(t *testing.T, path string) {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	want := map[string][]byte{}
	inputs := archive.Files[:0:0]
	for _, f := range archive.Files {
		if f.Name == "tree" || f.Name == "format" {
			want[f.Name] = f.Data
			continue
		}
		inputs = append(inputs, f)
		write(t, dir, f.Name, string(f.Data))
	}
	tree, text := goldenOutput(dir)
	if *update {
		archive.Files = append(inputs, txtar.File{Name: "tree", Data: tree}, txtar.File{Name: "format", Data: text})
		if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(tree, want["tree"]) {
		t.Errorf("tree: got\n%s\nwant\n%s", tree, want["tree"])
	}
	if !bytes.Equal(text, want["format"]) {
		t.Errorf("format: got\n%s\nwant\n%s", text, want["format"])
	}
}

// goldenOutput returns the tree of dir's nginx.conf with its diagnostics, and the formatted file if there
// are none.
func goldenOutput(dir string) (tree, text []byte) {
	loaded, list := Load(Source{Path: filepath.Join(dir, "nginx.conf")})
	var out strings.Builder
	describe(&out, loaded.Root, "")
	for _, d := range list {
		fmt.Fprintf(&out, "[%s] %s (%s)\n", d.Severity, d.Error(), d.Pos)
	}
	if list == nil {
		text = format(loaded.Files[0])
	}
	return []byte(strings.ReplaceAll(out.String(), dir+"/", "")), text
}

// describe writes b, one word per line with its position.
func describe(out *strings.Builder, b *Block, indent string) {
	for _, d := range b.Directives {
		fmt.Fprintf(out, "%s%s %q\n", indent, d.Name.Pos, d.Name.Text)
		for _, w := range d.Args {
			fmt.Fprintf(out, "%s  %s %q quoted=%v\n", indent, w.Pos, w.Text, w.Quoted)
		}
		if d.Body == nil {
			fmt.Fprintf(out, "%s%s ;\n", indent, d.End)
			continue
		}
		fmt.Fprintf(out, "%s%s {\n", indent, d.End)
		describe(out, d.Body, indent+"    ")
	}
	end := "end"
	if b.Incomplete {
		end = "incomplete"
	}
	fmt.Fprintf(out, "%s%s %s\n", indent, b.End, end)
}
