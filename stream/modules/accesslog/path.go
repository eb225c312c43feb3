package accesslog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"sync/atomic"
	"time"

	"weir/internal/errorlog"
	"weir/internal/logfile"
	"weir/stream"
)

// Path returns the Target that appends to the file whose name path gives for each session. The file
// is opened and closed for every line, or kept open by cache if it is not nil. Lines pass through a
// queue of files.
func Path(path stream.Template, cache *Cache, files *logfile.Set) Target {
	t := &pathTarget{path: path, cache: cache}
	t.queue = logfile.NewQueue(path.Text(), t.writeBatch)
	files.Add(t.queue)
	return t
}

type pathTarget struct {
	path    stream.Template
	cache   *Cache
	queue   *logfile.Queue
	log     atomic.Pointer[errorlog.Log] // the server's; nil before the first line
	refused limit                        // limits reports of refused names
	joint   []byte                       // lines for one file; owned by the queue's goroutine
}

// A frame is one line in the queue: the lengths of the line with its newline and of the name, the
// length of the whole frame, the connection number, then the line, the name and the context of
// messages about the session.
const (
	frameName  = 4
	frameWhole = 8
	frameID    = 12
	frameHead  = 20
)

// An entry is a frame read from the queue.
type entry struct {
	id            uint64
	line, name    []byte
	context, rest []byte // rest is the data after the frame
}

func (t *pathTarget) begin(b []byte) []byte { return append(b, make([]byte, frameHead)...) }

func (t *pathTarget) write(s *stream.Session, frame []byte) {
	t.log.Store(s.Server.Settings.ErrorLog)
	line := len(frame) - frameHead
	frame, ok := t.path.AppendPath(frame, s)
	name := len(frame) - frameHead - line
	if !ok {
		t.refuse(s, frame[frameHead+line:])
		return
	}
	frame = s.AppendContext(frame)
	put := binary.NativeEndian.PutUint32
	put(frame, uint32(line))
	put(frame[frameName:], uint32(name))
	put(frame[frameWhole:], uint32(len(frame)))
	binary.NativeEndian.PutUint64(frame[frameID:], s.ID)
	t.queue.Put(frame)
}

// refuse reports, at most once a minute, a line that is dropped because a client may have chosen
// the directory of its file.
func (t *pathTarget) refuse(s *stream.Session, name []byte) {
	if t.refused.pass(s.Env.Now()) {
		s.Log(stream.LevelError, "access log \""+errorlog.Quote(string(name))+"\" refused, a variable of its name has \"/\" or \"..\"", nil)
	}
}

// next reads the first frame of batch.
func next(batch []byte) entry {
	get := func(at int) int { return int(binary.NativeEndian.Uint32(batch[at:])) }
	name := frameHead + get(0)
	context, end := name+get(frameName), get(frameWhole)
	return entry{
		id:   binary.NativeEndian.Uint64(batch[frameID:]),
		line: batch[frameHead:name], name: batch[name:context], context: batch[context:end], rest: batch[end:],
	}
}

// writeBatch writes the lines of a batch; consecutive lines with the same name are written with one
// call.
func (t *pathTarget) writeBatch(batch []byte) (lost int, err error) {
	for len(batch) > 0 {
		e := next(batch)
		t.joint = append(t.joint[:0], e.line...)
		lines := 1
		for batch = e.rest; len(batch) > 0; lines++ {
			more := next(batch)
			if !bytes.Equal(more.name, e.name) {
				break
			}
			t.joint = append(t.joint, more.line...)
			batch = more.rest
		}
		if failed := t.append(e); failed != nil {
			lost += lines
			err = failed
		}
	}
	if cap(t.joint) > maxKept {
		t.joint = nil
	}
	return lost, err
}

// append writes the joint lines to the file of e. It follows ngx_stream_log_script_write: a file
// that cannot be opened is reported each time, at once; the returned error is that of a write.
func (t *pathTarget) append(e entry) error {
	name := string(e.name)
	f, err := t.cache.open(name, time.Now())
	if err != nil {
		msg := "open() \"" + errorlog.Quote(name) + "\" failed" + errorlog.Errno(errors.Unwrap(err)) + string(e.context)
		t.log.Load().Write(errorlog.Crit, e.id, msg)
		return nil
	}
	defer f.release()
	if n, err := f.Write(t.joint); err != nil {
		return &logfile.WriteError{Path: errorlog.Quote(name), Wrote: n, Want: len(t.joint), Err: errors.Unwrap(err)}
	}
	return nil
}
