package logfile

import (
	"os"
	"sync"
	"time"
)

// maxQueued is how many bytes may wait for one log, besides those that it buffers: some thousand lines.
const maxQueued = 1 << 20

// keptRoom is how much room an idle queue keeps for the next lines, besides that of its buffer.
const keptRoom = 64 << 10

// A line that comes less than batchTime after the last write, and is not held back by a buffer, waits for others until that time is over
// or batchSize bytes have come: to wake a thread costs several times what a line costs.
const (
	batchTime = 4 * time.Millisecond
	batchSize = 32 << 10
)

// A Queue takes lines from many goroutines, which never wait, and has them written by one, which may wait for a disk, a pipe or a
// terminal for as long as they take. That goroutine exists only while there is something to write, and takes all that has
// come meanwhile at once. A line that finds the queue full is dropped as a whole and counted. A Queue is safe for concurrent use.
type Queue struct {
	name   string // for reports
	buffer Buffering
	// write writes a batch of lines. It returns how many lines were lost, and why. It is called by one goroutine at a time, and must not
	// keep the batch.
	write func(batch []byte) (lost int, err error)
	run   func() // work, so that starting it allocates nothing

	mu      sync.Mutex // held for copying, never while something is written
	open    bool       // lines are taken
	held    []byte     // the lines that wait; they begin with those to be written now, and end with those held back
	sealed  int        // bytes of held that are to be written now
	spare   []byte     // the other half, empty; being written while writing is not 0
	writing int        // bytes being written
	working bool       // the goroutine that writes exists
	delayed bool       // it will be started by delay
	rested  time.Time  // when it ended last
	delay   *time.Timer
	steps   []step
	idle    chan struct{} // closed once nothing is to be written; nil: nobody waits
	timer   *time.Timer   // flushes; nil until first needed
	loss    loss
}

// A step is what the goroutine that writes does once the first `at` bytes of held are written.
type step struct {
	at int
	do func()
}

// NewQueue returns a Queue that is open. write writes one batch of whole lines and returns how many of them were lost, and why; it is
// called by one goroutine at a time, may take as long as it needs, and must not keep the batch.
func NewQueue(name string, write func(batch []byte) (lost int, err error)) *Queue {
	q := &Queue{open: true}
	q.init(name, write)
	return q
}

func (q *Queue) init(name string, write func([]byte) (int, error)) {
	q.name, q.write, q.run = name, write, q.work
}

// Write is Put as an io.Writer. It reports os.ErrClosed for a queue that takes no lines, and no other error.
func (q *Queue) Write(line []byte) (int, error) {
	if !q.Put(line) {
		return 0, os.ErrClosed
	}
	return len(line), nil
}

// Put adds one line, newline included, and never waits. It reports false for a queue that is not open. A line that is dropped because
// the queue is full is counted; an empty queue takes lines of any length.
func (q *Queue) Put(line []byte) bool {
	q.mu.Lock()
	if !q.open {
		q.mu.Unlock()
		return false
	}
	if !q.fits(len(line)) {
		q.loss.blocked = true
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

// add appends line by the rules of nginx's buffers: one that does not fit has the others written, and one that is larger than the
// buffer is not held back. Called with mu.
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

// flushLater has the lines that are held back written in time. Called with mu.
func (q *Queue) flushLater() {
	if q.timer == nil {
		q.timer = time.AfterFunc(q.buffer.Flush, q.Flush)
		return
	}
	q.timer.Reset(q.buffer.Flush)
}

// postpone reports whether the goroutine that writes need not be started yet. Called with mu.
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

// workDelayed is work after a delay, unless that has become needless.
func (q *Queue) workDelayed() {
	q.mu.Lock()
	start := q.delayed && q.begin()
	q.delayed = false
	q.mu.Unlock()
	if start {
		q.work()
	}
}

// begin reports whether the goroutine that writes is to be started. Called with mu.
func (q *Queue) begin() bool {
	if q.working || q.sealed == 0 && len(q.steps) == 0 {
		return false
	}
	q.working, q.delayed = true, false
	return true
}

// Flush has the lines written that are held back, and does not wait for it.
func (q *Queue) Flush() { q.after(nil) }

// after has do called, if it is not nil, once the lines are written that have come so far, and before later ones. It does not wait for it.
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

// work writes until there is nothing left to do.
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

// next returns the step or else the batch whose turn it is; neither: the goroutine that writes has ended.
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

// rest notes that the goroutine that writes ends, and gives back room that only a burst has needed. Called with mu.
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

// written returns a channel that is closed once there is nothing to write but what is held back.
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

// Wait has all lines written that have come so far, and waits for it no longer than that. It reports whether all are written.
func (q *Queue) Wait(most time.Duration) bool {
	q.Flush()
	return q.waitWritten(most)
}

// waitWritten is Wait without the lines that are held back.
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

// ended reports whether the queue was closed and has nothing to write.
func (q *Queue) ended() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return !q.open && !q.working && !q.delayed
}

// drop forgets the lines that wait, as lost. Steps remain.
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

// close lets the queue take no more lines.
func (q *Queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.open = false
	if q.timer != nil {
		q.timer.Stop()
	}
}
