package runtime

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"weir/directives"
	"weir/internal/logfile"
	"weir/parser"
)

// A parent is the process that keeps the rights of one that has dropped them, as package keeper describes.
type parent interface {
	Open(path string) (*os.File, error)
	OpenAppend(path string) (*os.File, error)
	Glob(pattern string) ([]string, error)
	Bind(fd int, at unix.Sockaddr) error
	RemoveSocket(path string) error
	Keep(sockets []int) error
	WritePid(path string) error
	RemovePid() error
	SetAsidePid() error
	RestorePid() error
	SetEnv(entries []string) error
	StartBinary() (pid int, err error)
	Ready() error
	SetLog(*os.File) error
}

// files opens files: with the rights of the parent where it permits that, and otherwise with those of the
// process.
type files struct{ parent parent }

// open opens a file for reading.
func (f files) open(path string) (*os.File, error) {
	if f.parent != nil {
		if opened, err := f.parent.Open(path); !errors.Is(err, syscall.EPERM) {
			return opened, err
		}
	}
	return os.Open(path)
}

// openAppend opens a log. A standard stream is always the process's own.
func (f files) openAppend(path string) (*os.File, error) {
	if f.parent != nil {
		if opened, err := f.parent.OpenAppend(path); err == nil {
			return opened, nil
		}
	}
	return logfile.OpenAppend(path)
}

// glob lists the paths that match a pattern.
func (f files) glob(pattern string) ([]string, error) {
	if f.parent != nil {
		if paths, err := f.parent.Glob(pattern); !errors.Is(err, syscall.EPERM) {
			return paths, err
		}
	}
	return parser.Glob(pattern)
}

// readConf reads a file of the configuration.
func (f files) readConf(path string) ([]byte, error) {
	if f.parent == nil {
		return parser.ReadFile(path)
	}
	return f.read(path)
}

// read reads a file that a directive names.
func (f files) read(path string) ([]byte, error) {
	opened, err := f.open(path)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	return directives.ReadOpen(opened)
}

// A globFunc lists the paths that match a pattern.
type globFunc func(pattern string) ([]string, error)

// source returns the functions that read a configuration; usual are those without a parent.
func (f files) source(usualRead readFileFunc, usualGlob globFunc) (readFileFunc, globFunc) {
	if f.parent == nil {
		return usualRead, usualGlob
	}
	return f.readConf, f.glob
}

// reader returns the function that reads the files that directives name; usual is that without a parent.
func (f files) reader(usual readFileFunc) readFileFunc {
	if f.parent == nil {
		return usual
	}
	return f.read
}
