package conformance

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strconv"
	"time"
)

func (r *run) log(args []string) error {
	return poll(func() error {
		got, err := r.readLines(args[0])
		if err != nil {
			return err
		}
		return compareLines(got, args[1:])
	})
}

func (r *run) logRegexps(args []string) error {
	want := args[1:]
	return poll(func() error {
		got, err := r.readLines(args[0])
		if err != nil {
			return err
		}
		return matchAll(got, want)
	})
}

func matchAll(got, want []string) error {
	if len(got) != len(want) {
		return fmt.Errorf("got %d lines %q, want %d", len(got), got, len(want))
	}
	for i := range got {
		re, err := regexp.Compile("^(?:" + want[i] + ")$")
		if err != nil {
			return fatal{err}
		}
		if !re.MatchString(got[i]) {
			return fmt.Errorf("line %d: got %s, want %s", i+1, got[i], want[i])
		}
	}
	return nil
}

func (r *run) gzipLog(args []string) error {
	return poll(func() error {
		got, err := unpack(r.path(args[0]))
		if err != nil {
			return err
		}
		return compareLines(lines(got), args[1:])
	})
}

func unpack(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(z)
	return string(b), err
}

func (r *run) waitLog(args []string) error {
	return poll(func() error { return r.hasLog(args) })
}

func (r *run) hasLog(args []string) error {
	n, err := r.count(args[0], args[1])
	if err == nil && n == 0 {
		err = fmt.Errorf("no match")
	}
	return err
}

func (r *run) noLog(args []string) error {
	n, err := r.count(args[0], args[1])
	if err == nil && n > 0 {
		err = fmt.Errorf("%d matching lines", n)
	}
	return err
}

func (r *run) grepCount(args []string) error {
	return poll(func() error {
		n, err := r.count(args[0], args[1])
		if err == nil && strconv.Itoa(n) != args[2] {
			err = fmt.Errorf("%d matching lines, want %s", n, args[2])
		}
		return err
	})
}

// count returns how many lines of the file match. A missing file is an error.
func (r *run) count(name, pattern string) (int, error) {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return 0, fatal{err}
	}
	all, err := r.readLines(name)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, line := range all {
		if re.MatchString(line) {
			n++
		}
	}
	return n, nil
}

func (r *run) exists(args []string) error {
	for _, name := range args {
		err := poll(func() error { _, err := os.Lstat(r.path(name)); return err })
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *run) missing(args []string) error {
	for _, name := range args {
		if err := poll(func() error { return absent(r.path(name)) }); err != nil {
			return err
		}
	}
	return nil
}

func absent(path string) error {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = fmt.Errorf("%s is there", path)
	}
	return err
}

func (r *run) move(args []string) error {
	return os.Rename(r.path(args[0]), r.path(args[1]))
}

func (r *run) write(args []string) error { return r.writeFile(args[0], args[1]) }

// copy replaces a file by renaming a new one over it. The modification time of each copy is whole
// seconds later than the clock and the previous copy, so that a comparison in seconds sees a
// change.
func (r *run) copy(args []string) error {
	content, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	path := r.path(args[1])
	r.copies++
	ahead := time.Duration(r.copies) * 2 * time.Second
	if err := os.WriteFile(path+".new", content, 0o644); err != nil {
		return err
	}
	if err := os.Chtimes(path+".new", time.Time{}, time.Now().Add(ahead)); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
