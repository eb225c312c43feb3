package weir_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestNoLocalPaths checks that no file contains a path of the machine that it was written on. The paths are
// concatenated here, because the test also checks this file.
func TestNoLocalPaths(t *testing.T) {
	local := []string{"/" + "work/", "/" + "work\"", "/" + "home/", "/" + "root/"}
	for _, path := range sources(t, "") {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.IndexByte(raw, 0) >= 0 {
			continue // not text
		}
		for i, line := range strings.Split(string(raw), "\n") {
			for _, word := range local {
				if strings.Contains(line, word) {
					t.Errorf("%s:%d: contains %s", path, i+1, word)
				}
			}
		}
	}
}

// sources lists the files of the project whose names end with suffix.
func sources(t *testing.T, suffix string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if path == "dist" || slices.Contains([]string{".git", "bin", "node_modules", "out"}, d.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		if d.Type().IsRegular() && strings.HasSuffix(path, suffix) && path != ".git" {
			all = append(all, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
