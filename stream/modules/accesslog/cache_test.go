package accesslog

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// write writes a line to name through c.
func write(t *testing.T, c *Cache, name, line string, now time.Time) *openFile {
	t.Helper()
	f, err := c.open(name, now)
	if err != nil {
		t.Fatal(err)
	}
	defer f.release()
	if _, err := f.WriteString(line); err != nil {
		t.Error(err)
	}
	return f
}

func isOpen(f *openFile) bool {
	_, err := f.Stat()
	return err == nil
}

func TestCacheKeepsFiles(t *testing.T) {
	tests := []struct {
		name  string
		conf  CacheConf
		after time.Duration // of the second write
		other bool          // another name is written to in between
		want  bool          // the second write finds the file open
	}{
		{"at once", CacheConf{Max: 1, MinUses: 1, Inactive: time.Second, Valid: time.Minute}, 0, false, true},
		{"used too rarely", CacheConf{Max: 1, MinUses: 3, Inactive: time.Second, Valid: time.Minute}, 0, false, false},
		{"pushed out", CacheConf{Max: 1, MinUses: 1, Inactive: time.Second, Valid: time.Minute}, 0, true, false},
		{"room for two", CacheConf{Max: 2, MinUses: 1, Inactive: time.Second, Valid: time.Minute}, 0, true, true},
		{"still the same file", CacheConf{Max: 1, MinUses: 1, Inactive: time.Minute, Valid: time.Second}, 5 * time.Second, false, true},
		{"inactive for long", CacheConf{Max: 2, MinUses: 1, Inactive: time.Second, Valid: time.Minute}, 5 * time.Second, true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := NewCache(tt.conf)
			defer c.Close()
			now, dir := testNow(), t.TempDir()
			first := write(t, c, dir+"/a", "1\n", now)
			now = now.Add(tt.after)
			if tt.other {
				write(t, c, dir+"/b", "x\n", now)
			}
			if got := isOpen(first); got != tt.want {
				t.Errorf("the file is open: %v, want %v", got, tt.want)
			}
			second := write(t, c, dir+"/a", "2\n", now)
			if got := first == second; got != tt.want {
				t.Errorf("the second write found the first file: %v, want %v", got, tt.want)
			}
			wantFile(t, dir+"/a", "1\n2\n")
		})
	}
}

func TestCacheNoticesAMovedFile(t *testing.T) {
	c := NewCache(CacheConf{Max: 1, MinUses: 1, Inactive: time.Hour, Valid: time.Minute})
	defer c.Close()
	now, path := testNow(), filepath.Join(t.TempDir(), "log")
	write(t, c, path, "1\n", now)
	os.Rename(path, path+".1")
	write(t, c, path, "2\n", now.Add(59*time.Second))
	write(t, c, path, "3\n", now.Add(60*time.Second))
	write(t, c, path, "4\n", now.Add(61*time.Second))
	wantFile(t, path+".1", "1\n2\n")
	wantFile(t, path, "3\n4\n")
}

func TestCacheClosesWhatItKept(t *testing.T) {
	c := NewCache(CacheConf{Max: 3, MinUses: 1, Inactive: time.Hour, Valid: time.Hour})
	dir := t.TempDir()
	var files []*openFile
	for i := range 5 {
		files = append(files, write(t, c, fmt.Sprintf("%s/%d", dir, i), "x\n", testNow()))
	}
	for i, f := range files {
		if got, want := isOpen(f), i >= 2; got != want {
			t.Errorf("file %d is open: %v, want %v", i, got, want)
		}
	}
	c.Close()
	for i, f := range files {
		if isOpen(f) {
			t.Errorf("file %d is open after Close", i)
		}
	}
}

func TestCacheLosesNoLine(t *testing.T) {
	c := NewCache(CacheConf{Max: 2, MinUses: 1, Inactive: time.Hour, Valid: time.Nanosecond})
	defer c.Close()
	const writers, names, each = 8, 4, 200
	dir := t.TempDir()
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range each {
				write(t, c, fmt.Sprintf("%s/%d", dir, (w+i)%names), "x\n", time.Now())
			}
		})
	}
	all.Wait()
	total := 0
	for i := range names {
		b, err := os.ReadFile(fmt.Sprintf("%s/%d", dir, i))
		if err != nil {
			t.Fatal(err)
		}
		total += len(b) / 2
	}
	if total != writers*each {
		t.Errorf("%d lines were written, want %d", total, writers*each)
	}
}
