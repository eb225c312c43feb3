package logfile

import (
	"os"
	"sync"
	"time"
)

// maxQueued is the number of bytes that may wait for one log, in addition to its buffer: some
// thousand lines.
const maxQueued = 1 << 20

// keptRoom is the capacity that an idle queue keeps for the next lines, in addition to its buffer.
const keptRoom = 64 << 10

// An unbuffered line that arrives less than batchTime after the last write waits for more lines,
// until batchTime has passed or batchSize bytes are waiting: waking a thread costs several times as
// much as a line.
const (
	batchTime = 4 * time.Millisecond
	batchSize = 32 << 10
)

// A Queue accepts lines from many goroutines, which never wait, and writes them from one goroutine,
// which may wait for a disk, a pipe or a terminal. That goroutine exists only while there is
// something to write; each time it takes all lines that have arrived meanwhile. A line that finds
// the queue full is dropped completely and counted. A Queue is safe for concurrent use.
type Queue struct {
	name   string // for reports
	buffer Buffering
	// write writes a batch of lines. It returns how many lines were lost, and why. One goroutine
	// calls it at a time. It must not keep the batch.
	write func(batch []byte) (lost int, err error)
	run   func() // work, stored so that starting it allocates nothing

	mu      sync.Mutex // held for copying, never during a write
	open    bool       // lines are accepted
	held    []byte     // the waiting lines: first those to be written now, then those buffered
	sealed  int        // bytes of held that are to be written now
	spare   []byte     // the other buffer, empty; being written while writing is not 0
	writing int        // bytes being written
	working bool       // the writing goroutine exists
	delayed bool       // delay will start it
	rested  time.Time  // when it last ended
	delay   *time.Timer
	steps   []step
	idle    chan struct{} // closed once nothing is to be written; nil if no caller waits
	timer   *time.Timer   // flushes; nil until first needed
	loss    loss
}

// A step is a call that the writing goroutine makes after the first `at` bytes of held are written.
type step struct {
	at int
	do func()
}

// NewQueue returns an open Queue. write writes one batch of whole lines and returns how many of
// them were lost, and why. One goroutine calls it at a time; it may take as long as it needs and
// must not keep the batch.
func NewQueue(name string, write func(batch []byte) (lost int, err error)) *Queue {
	q := &Queue{open: true}
	q.init(name, write)
	return q
}

func (q *Queue) init(name string, write func([]byte) (int, error)) {
	q.name, q.write, q.run = name, write, q.work
}

// Write is Put as an io.Writer. It returns os.ErrClosed if the queue is not open, and no other
// error.
func (q *Queue) Write(line []byte) (int, error) {
	if !q.Put(line) {
		return 0, os.ErrClosed
	}
	return len(line), nil
}

// Put adds one line, including its newline, and never waits. It returns false if the queue is not
// open. A line that is dropped because the queue is full is counted; an empty queue accepts lines
// of any length.
func (q *Queue) Put(line []byte) bool {
	q.mu.Lock()
	if !q.open {
		q.mu.Unlock()
		return false
	}
	if !q.fits(len(line)) {
		q.loss.blocked = true
		q.loss.refused++
		q.lose(1, nil)
		q.mu.Unlock()
		return true
	}
	q.add(line)
	start := !q.postpone() && q.begin()
	q.mu.Unlock()
	if start {
		go q.run()
	}
	return true
}

// fits reports whether there is room for n bytes. Called with mu.
func (q *Queue) fits(n int) bool {
	waiting := len(q.held) + q.writing
	return waiting == 0 || waiting+n <= maxQueued+q.buffer.Size
}

// add appends line by the rules of nginx's buffers: if a line does not fit, the buffered lines are
// written first; a line larger than the buffer is not buffered. Called with mu.
func (q *Queue) add(line []byte) {
	if len(q.held)-q.sealed+len(line) > q.buffer.Size {
		q.sealed = len(q.held)
	}
	first := q.sealed == len(q.held)
	q.held = append(q.held, line...)
	switch {
	case len(line) > q.buffer.Size:
		q.sealed = len(q.held)
	case first && q.buffer.Flush > 0:
		q.flushLater()
	}
}

// flushLater schedules the flush of the buffered lines. Called with mu.
func (q *Queue) flushLater() {
	if q.timer == nil {
		q.timer = time.AfterFunc(q.buffer.Flush, q.Flush)
		return
	}
	q.timer.Reset(q.buffer.Flush)
}

// postpone reports whether the writing goroutine need not be started yet. Called with mu.
func (q *Queue) postpone() bool {
	if q.working || q.buffer.Size > 0 || len(q.held) > batchSize {
		return false
	}
	if q.delayed {
		return true
	}
	wait := batchTime - time.Since(q.rested)
	if wait <= 0 {
		return false
	}
	q.delayed = true
	if q.delay == nil {
		q.delay = time.AfterFunc(wait, q.workDelayed)
	} else {
		q.delay.Reset(wait)
	}
	return true
}

// workDelayed calls work after a delay, unless it is no longer needed.
func (q *Queue) workDelayed() {
	q.mu.Lock()
	start := q.delayed && q.begin()
	q.delayed = false
	q.mu.Unlock()
	if start {
		q.work()
	}
}

// begin reports whether to start the writing goroutine. Called with mu.
func (q *Queue) begin() bool {
	if q.working || q.sealed == 0 && len(q.steps) == 0 {
		return false
	}
	q.working, q.delayed = true, false
	return true
}

// Flush requests that the buffered lines are written; it does not wait.
func (q *Queue) Flush() { q.after(nil) }

// after requests that the present lines are written and do, if not nil, is called after them and
// before later lines. It does not wait.
func (q *Queue) after(do func()) {
	q.mu.Lock()
	q.sealed = len(q.held)
	if do != nil {
		q.steps = append(q.steps, step{len(q.held), do})
	}
	start := q.begin()
	q.mu.Unlock()
	if start {
		go q.run()
	}
}

// work writes until no work is left.
func (q *Queue) work() {
	for {
		batch, do := q.next()
		switch {
		case do != nil:
			do()
		case batch != nil:
			if lost, err := q.write(batch); lost > 0 {
				q.mu.Lock()
				q.lose(lost, err)
				q.mu.Unlock()
			}
		default:
			return
		}
	}
}

// next returns the next step or batch; if it returns neither, the writing goroutine ends.
func (q *Queue) next() (batch []byte, do func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.writing > 0 {
		q.writing = 0
		q.progress()
	}
	end := q.sealed
	if len(q.steps) > 0 {
		if q.steps[0].at == 0 {
			do = q.steps[0].do
			q.steps = q.steps[1:]
			return nil, do
		}
		end = q.steps[0].at
	}
	if end == 0 {
		q.rest()
		return nil, nil
	}
	return q.take(end), nil
}

// take removes the first end bytes of held and returns them. Called with mu.
func (q *Queue) take(end int) []byte {
	batch := q.held[:end]
	q.held, q.spare = append(q.spare, q.held[end:]...), q.held[:0]
	q.writing = end
	q.sealed -= end
	for i := range q.steps {
		q.steps[i].at -= end
	}
	return batch
}

// rest records that the writing goroutine ends, and releases capacity that only a burst needed.
// Called with mu.
func (q *Queue) rest() {
	q.working, q.rested = false, time.Now()
	q.steps = nil
	most := keptRoom + 2*q.buffer.Size
	if cap(q.spare) > most {
		q.spare = nil
	}
	if cap(q.held) > most && len(q.held) == 0 {
		q.held = nil
	}
	if q.idle != nil {
		close(q.idle)
		q.idle = nil
	}
}

// written returns a channel that is closed once only buffered lines are left.
func (q *Queue) written() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.idle == nil {
		q.idle = make(chan struct{})
	}
	idle := q.idle
	if !q.working && !q.delayed {
		close(q.idle)
		q.idle = nil
	}
	return idle
}

// Wait requests that all present lines are written, and waits for at most the given time. It
// reports whether all are written.
func (q *Queue) Wait(most time.Duration) bool {
	q.Flush()
	return q.waitWritten(most)
}

// waitWritten is Wait without the buffered lines.
func (q *Queue) waitWritten(most time.Duration) bool {
	written := q.written()
	select {
	case <-written:
		return true
	default:
	}
	select {
	case <-written:
		return true
	case <-time.After(most):
		return false
	}
}

// ended reports whether the queue is closed and has nothing to write.
func (q *Queue) ended() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return !q.open && !q.working && !q.delayed
}

// drop discards the waiting lines and counts them as lost. Steps remain.
func (q *Queue) drop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if n := countLines(q.held); n > 0 {
		q.lose(n, nil)
	}
	q.held, q.sealed = q.held[:0], 0
	for i := range q.steps {
		q.steps[i].at = 0
	}
}

// close makes the queue refuse further lines.
func (q *Queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.open = false
	if q.timer != nil {
		q.timer.Stop()
	}
}
