package logfile

import (
	"bytes"
	"path/filepath"
	"testing"
)

func benchFile(b *testing.B, path string, buf Buffering) *File {
	b.Helper()
	var s Set
	f := s.Get(path)
	if buf.Size > 0 {
		f.Buffer(buf)
	}
	if err := s.Open(OpenAppend); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.Close)
	return f
}

func BenchmarkAppend(b *testing.B) {
	line := append(bytes.Repeat([]byte("x"), 199), '\n')
	for _, bb := range []struct {
		name string
		buf  Buffering
	}{{"direct", Buffering{}}, {"buffer=64k", Buffering{Size: 64 << 10}}, {"buffer=64k,flush", Buffering{Size: 64 << 10, Flush: 1e9}}} {
		b.Run(bb.name, func(b *testing.B) {
			f := benchFile(b, filepath.Join(b.TempDir(), "log"), bb.buf)
			b.ReportAllocs()
			for b.Loop() {
				f.Put(line)
			}
		})
		b.Run(bb.name+" parallel", func(b *testing.B) {
			f := benchFile(b, filepath.Join(b.TempDir(), "log"), bb.buf)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					f.Put(line)
				}
			})
		})
	}
}
