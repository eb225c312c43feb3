package logfile

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"sync"
	"time"
)

// Buffering says how lines are held back in front of a file.
//
// See access_log in https://nginx.org/en/docs/stream/ngx_stream_log_module.html.
type Buffering struct {
	Size  int           // in bytes, at least 1
	Flush time.Duration // the longest that a line is held back; 0: until the buffer is full
	Gzip  int           // the compression level, 1 to 9; 0: not compressed
}

// A buffer collects lines. What it collected is swapped out under mu, and written without it, so that those who only copy never
// wait for a disk. order keeps the writes in the order of the swaps; who finds both halves full waits on it for the disk.
type buffer struct {
	Buffering
	begun chan struct{} // has a token when an empty buffer got its first line

	mu    sync.Mutex // for copying; taken inside order
	held  []byte
	since time.Time // when the first line of held came

	order  sync.Mutex
	spare  []byte // the other half, empty
	zip    *gzip.Writer
	zipped bytes.Buffer
}

func newBuffer(b Buffering) *buffer {
	return &buffer{Buffering: b, begun: make(chan struct{}, 1)}
}

// append takes the line, writing out what is in its way. A line larger than the buffer is written directly. The error is the first
// one met.
func (b *buffer) append(line []byte, write func([]byte) error) error {
	if b.take(line) {
		return nil
	}
	b.order.Lock()
	defer b.order.Unlock()
	var failed error
	for {
		failed = cmp.Or(failed, b.writeOut(write))
		if len(line) > b.Size {
			return cmp.Or(failed, b.put(line, write))
		}
		if b.take(line) {
			return failed
		}
	}
}

// take copies the line if there is room for it.
func (b *buffer) take(line []byte) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(line) > b.Size-len(b.held) {
		return false
	}
	if len(b.held) == 0 {
		b.begin()
	}
	b.held = append(b.held, line...)
	return true
}

// begin notes when the first line came. Called with mu.
func (b *buffer) begin() {
	if cap(b.held) < b.Size {
		b.held = make([]byte, 0, b.Size)
	}
	if b.Flush == 0 {
		return
	}
	b.since = time.Now()
	select {
	case b.begun <- struct{}{}:
	default:
	}
}

// left says how long what is held may still wait, and whether anything is held.
func (b *buffer) left() (time.Duration, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.held) == 0 {
		return 0, false
	}
	return b.Flush - time.Since(b.since), true
}

func (b *buffer) flush(write func([]byte) error) error {
	b.order.Lock()
	defer b.order.Unlock()
	return b.writeOut(write)
}

// writeOut swaps the halves and writes the full one. What can not be written is lost, as in nginx. Called with order.
func (b *buffer) writeOut(write func([]byte) error) error {
	b.mu.Lock()
	full := b.held
	b.held = b.spare
	b.mu.Unlock()
	b.spare = full[:0]
	if len(full) == 0 {
		return nil
	}
	return b.put(full, write)
}

// put writes p with one call: as it is, or as one gzip member. Called with order.
func (b *buffer) put(p []byte, write func([]byte) error) error {
	if b.Gzip == 0 {
		return write(p)
	}
	b.zipped.Reset()
	if err := b.compress(p); err != nil {
		return err
	}
	return write(b.zipped.Bytes())
}

func (b *buffer) compress(p []byte) error {
	if b.zip == nil {
		zip, err := gzip.NewWriterLevel(&b.zipped, b.Gzip)
		if err != nil {
			return err
		}
		b.zip = zip
	}
	b.zip.Reset(&b.zipped)
	b.zip.OS = unixOS
	if _, err := b.zip.Write(p); err != nil {
		return err
	}
	return b.zip.Close()
}

// unixOS is what zlib writes as the system into a header of gzip (RFC 1952).
const unixOS = 3
