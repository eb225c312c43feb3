package logfile

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// An Opener opens a file for appending, creating it with mode 0644. It must not wait for the reader
// of a pipe. OpenAppend is the Opener that uses package os.
type Opener func(path string) (*os.File, error)

// OpenAppend opens path as nginx opens its logs, but without waiting: a named pipe without a reader
// returns ENXIO. A standard stream that cannot be opened by its name is duplicated.
func OpenAppend(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|syscall.O_NONBLOCK, 0o644)
	if err == nil {
		return f, nil
	}
	if standard := openStandard(path, err); standard != nil {
		return standard, nil
	}
	return nil, err
}

// pipeBuf is the number of bytes that a pipe accepts atomically, even with several writers
// (PIPE_BUF).
const pipeBuf = 4096

// pieceSize returns the maximum number of bytes per write call to w that keeps lines separate from
// those of other processes; 0 means no limit.
func pieceSize(w io.Writer) int {
	file, ok := w.(*os.File)
	if !ok {
		return 0
	}
	if info, err := file.Stat(); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return 0
	}
	return pipeBuf
}

// writePieces writes p to w in pieces of whole lines, each of at most size bytes or one longer
// line. It returns the number of bytes written.
func writePieces(w io.Writer, p []byte, size int) (n int, err error) {
	for n < len(p) {
		wrote, err := w.Write(p[n : n+pieceLen(p[n:], size)])
		n += wrote
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// pieceLen returns the length of the next piece of p.
func pieceLen(p []byte, size int) int {
	if size == 0 || len(p) <= size {
		return len(p)
	}
	if end := bytes.LastIndexByte(p[:size], '\n'); end >= 0 {
		return end + 1
	}
	if end := bytes.IndexByte(p, '\n'); end >= 0 {
		return end + 1
	}
	return len(p)
}

// NewWriter returns a Queue that writes to w, such as standard error; w is not closed.
func NewWriter(name string, w io.Writer) *Queue {
	size := pieceSize(w)
	return NewQueue(name, func(lines []byte) (int, error) {
		n, err := writePieces(w, lines, size)
		if err == nil {
			return 0, nil
		}
		return countLines(lines[n:]), &WriteError{Path: name, Wrote: n, Want: len(lines), Err: reason(err)}
	})
}

// reason returns the system error, without the names that package os adds.
func reason(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	return err
}
