// Package statefile writes files that keep state across restarts. A file is replaced as a whole: after
// a crash, a kill or a loss of power it has either its old or its new content.
package statefile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// suffix ends the name of a temporary file. The name begins with a dot, so that patterns such as *.conf
// do not match it.
const suffix = ".tmp"

// Write replaces the content of the file at path by the bytes that content writes. It writes them to a
// temporary file in the same directory, waits until they are on the disk, renames the file to path, and
// waits until the directory is on the disk. After an error path has its old content, except when only
// the last wait failed; the temporary file is removed.
//
// A symbolic link at path remains, and the file that it names is replaced. mode applies to a file that
// did not exist; an existing file keeps its permissions.
//
// Concurrent calls for one path are safe: each replaces the whole file, and the last one wins.
func Write(path string, mode fs.FileMode, content func(io.Writer) error) (err error) {
	path, mode, err = target(path, mode)
	if err != nil {
		return err
	}
	dir, base := filepath.Split(path)
	tmp, err := os.CreateTemp(dirName(dir), "."+base+".*"+suffix)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(tmp.Name())
		}
	}()
	if err := fill(tmp, mode, content); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	return syncDir(dirName(dir))
}

// target returns the path and the permissions of the file that a Write to path replaces.
func target(path string, mode fs.FileMode) (string, fs.FileMode, error) {
	resolved, err := filepath.EvalSymlinks(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return path, mode, nil
	case err != nil:
		return "", 0, err
	}
	info, err := os.Stat(resolved)
	switch {
	case err != nil:
		return "", 0, err
	case !info.Mode().IsRegular():
		return "", 0, &fs.PathError{Op: "replace", Path: path, Err: errors.New("not a regular file")}
	}
	return resolved, info.Mode().Perm(), nil
}

// dirName returns the name of the directory that filepath.Split returned.
func dirName(dir string) string {
	if dir == "" {
		return "."
	}
	return dir
}

// fill writes the content to tmp and waits until it is on the disk.
func fill(tmp *os.File, mode fs.FileMode, content func(io.Writer) error) error {
	if err := tmp.Chmod(mode); err != nil {
		return err
	}
	w := bufio.NewWriterSize(tmp, 64<<10)
	if err := content(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return tmp.Sync()
}

// syncDir waits until the names in a directory are on the disk.
func syncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// Clean removes the temporary files that killed processes have left beside path. The owner of the file
// calls it once, before its first Write; a Write of another process to the same path at this moment may
// fail, and leaves the old content.
func Clean(path string) error {
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		path = resolved
	}
	dir, base := filepath.Split(path)
	entries, err := os.ReadDir(dirName(dir))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !isTemporary(e.Name(), base) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove a temporary file: %w", err)
		}
	}
	return nil
}

// isTemporary reports whether name is that of a temporary file for base: CreateTemp puts decimal digits
// between both parts.
func isTemporary(name, base string) bool {
	digits, ok := strings.CutPrefix(name, "."+base+".")
	if !ok {
		return false
	}
	digits, ok = strings.CutSuffix(digits, suffix)
	return ok && digits != "" && strings.Trim(digits, "0123456789") == ""
}
