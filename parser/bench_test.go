package parser

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// hugeConf returns a configuration of n directives and a few more.
func hugeConf(n int) []byte {
	var text bytes.Buffer
	text.WriteString("events {}\nstream {\n    upstream u {\n")
	for range n {
		text.WriteString("        server 127.0.0.1:1;\n")
	}
	text.WriteString("    }\n}\n")
	return text.Bytes()
}

// BenchmarkLoad100k loads a large file; compare it with nginx -t on the same file.
func BenchmarkLoad100k(b *testing.B) {
	path := filepath.Join(b.TempDir(), "nginx.conf")
	text := hugeConf(100_000)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, list := Load(Source{Path: path}); list != nil {
			b.Fatal(list)
		}
	}
}
