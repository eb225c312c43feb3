package runtime

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"weir/internal/errorlog"
	"weir/parser"
)

// A watchPace contains the delays of a watcher.
type watchPace struct {
	quiet   time.Duration // after the last change, for others that belong to it
	broken  time.Duration // before a broken configuration is reported: it is probably half written
	longest time.Duration // the limit of quiet
	writing time.Duration // for a program that writes to a file and does not close it
	poll    time.Duration // between checks if the system does not report changes
	check   time.Duration // between checks if it does: network file systems and new mounts report nothing
	retry   time.Duration // before the first retry of a reload; each delay is twice the one before
	slowest time.Duration // the longest delay between two retries
}

var usualPace = watchPace{
	quiet: 200 * time.Millisecond, broken: time.Second, longest: 5 * time.Second, writing: 10 * time.Second,
	poll: 2 * time.Second, check: time.Minute, retry: time.Second, slowest: time.Minute,
}

// A watcher reports when the files of a configuration have changed. It compares contents, because a file
// that was only touched has not changed, and reads only files with changed stamps. It waits for a program
// that still writes to a file, if the system reports that.
//
// A nil watcher reports nothing. The methods are for the goroutine that makes changes.
type watcher struct {
	source  parser.Source
	pace    watchPace
	log     *currentLog
	files   files
	open    func() (notifier, error)
	changed chan reloadReason
	tried   chan trial
	done    chan struct{}
	running sync.WaitGroup

	// The fields below belong to the watcher's goroutine.
	notifier notifier // may be nil
	paths    *watchPaths
	memory   history
	last     *reading
	writing  map[string]bool // files that a program writes to
	polls    bool            // not all changes are reported
	unsure   bool            // changes were found without a notice, and must be found a second time
	began    time.Time       // the first change since the last look; zero means none
	readAt   time.Time       // zero means never
	brokenAt time.Time       // when a broken configuration that was seen once may be reported
	pollAt   time.Time
	retryAt  time.Time // zero means never
	pause    time.Duration
}

// An reloadReason is the reason for a reload.
type reloadReason int

const (
	noReload reloadReason = iota
	onChange
	onRetry
)

func (o reloadReason) String() string {
	if o == onRetry {
		return "retrying the changed configuration"
	}
	return "configuration changed on disk"
}

// A trial is one attempt to load and open a configuration.
type trial struct {
	read   *reading // nil if reading did not finish
	served bool
	passes bool // the failure may end without a change of the files
}

// newWatcher returns a watcher of the configuration src. Its goroutine begins with start.
func newWatcher(src parser.Source, pace watchPace, log *currentLog) *watcher {
	w := &watcher{
		source: src, pace: pace, log: log, open: newNotifier, writing: map[string]bool{},
		changed: make(chan reloadReason), tried: make(chan trial), done: make(chan struct{}),
	}
	return w
}

// start starts the watcher, which waits for the first trial.
func (w *watcher) start() { w.running.Go(w.run) }

// changes returns a channel that gets a value for each reload that is due.
func (w *watcher) changes() <-chan reloadReason {
	if w == nil {
		return nil
	}
	return w.changed
}

// note records the result of an attempt, so that it is not reported as a change.
func (w *watcher) note(t trial) {
	if w == nil || t.read == nil {
		return
	}
	select {
	case w.tried <- t:
	case <-w.done:
	}
}

// close stops a watcher that has been started.
func (w *watcher) close() {
	if w == nil {
		return
	}
	close(w.done)
	w.running.Wait()
}

func (w *watcher) run() {
	defer func() {
		if w.notifier != nil {
			w.notifier.close()
		}
	}()
	select {
	case <-w.done:
		return
	case t := <-w.tried:
		w.begin()
		w.recordTrial(t)
	}
	due := noReload
	timer := time.NewTimer(0)
	for {
		var report chan<- reloadReason
		if due != noReload {
			report = w.changed
		}
		timer.Reset(time.Until(w.next()))
		select {
		case <-w.done:
			return
		case report <- due:
			due = noReload
		case t := <-w.tried:
			due = noReload
			w.recordTrial(t)
		case n := <-w.notices():
			w.notice(n)
		case now := <-timer.C:
			if o := w.runDue(now); o != noReload {
				due = o
			}
		}
	}
}

// begin opens the notifier. Without one the watcher polls.
func (w *watcher) begin() {
	var err error
	if w.notifier, err = w.open(); err != nil {
		w.degrade(err)
	}
	w.delayPoll(time.Now())
}

func (w *watcher) notices() <-chan notice {
	if w.notifier == nil {
		return nil
	}
	return w.notifier.notices()
}

// degrade makes the watcher poll, and logs that once.
func (w *watcher) degrade(err error) {
	if w.polls {
		return
	}
	w.polls = true
	w.log.write(errorlog.Warn, fmt.Sprintf("%v, -watch polls for changes every %v", err, w.pace.poll))
	w.delayPoll(time.Now())
}

func (w *watcher) delayPoll(now time.Time) {
	if w.polls {
		w.pollAt = now.Add(w.pace.poll)
	} else {
		w.pollAt = now.Add(w.pace.check)
	}
}

// next returns when the watcher must act without an event.
func (w *watcher) next() time.Time {
	next := w.pollAt
	for _, at := range [...]time.Time{w.readAt, w.retryAt} {
		if !at.IsZero() && at.Before(next) {
			next = at
		}
	}
	return next
}

var errLost = errors.New("file change notifications were lost")

// notice handles one notice from the system.
func (w *watcher) notice(n notice) {
	if n.kind == noticeLost {
		clear(w.writing)
		w.degrade(errLost)
	} else if !w.paths.affects(n.path) {
		return
	}
	if n.kind == noticeWriting {
		w.writing[n.path] = true
	} else {
		delete(w.writing, n.path)
	}
	w.await(time.Now(), w.pace.quiet)
}

// await schedules a look after pause; further changes prolong the pause.
func (w *watcher) await(now time.Time, pause time.Duration) {
	if w.began.IsZero() {
		w.began = now
	}
	w.readAt = now.Add(pause)
	longest := w.pace.longest
	if len(w.writing) > 0 {
		longest = w.pace.writing
	}
	if last := w.began.Add(longest); last.Before(w.readAt) {
		w.readAt = last
	}
}

// runDue does the due work, and returns the resulting reload.
func (w *watcher) runDue(now time.Time) reloadReason {
	switch {
	case isDue(w.readAt, now):
		return w.decide(now)
	case isDue(w.retryAt, now):
		w.retryAt = time.Time{}
		return onRetry
	case isDue(w.pollAt, now):
		w.poll(now)
	}
	return noReload
}

func isDue(at, now time.Time) bool { return !at.IsZero() && !now.Before(at) }

// poll looks for changes that were not reported.
func (w *watcher) poll(now time.Time) {
	before := w.last
	if w.readFiles(); w.last != before {
		w.unsure = true
		w.await(now, w.pace.broken)
	}
	w.delayPoll(now)
}

// decide looks at the files and decides whether to reload.
func (w *watcher) decide(now time.Time) reloadReason {
	before := w.last
	broken := w.readFiles()
	w.readAt = time.Time{}
	if w.unsure && w.last != before {
		w.await(now, w.pace.broken)
		return noReload
	}
	if broken && w.last.digest() == w.memory.suspect && now.Before(w.brokenAt) {
		w.readAt = w.brokenAt // another notice about the same content
		return noReload
	}
	incomplete := len(w.writing) > 0 && now.Before(w.began.Add(w.pace.writing))
	switch w.memory.compare(w.last.digest(), broken, incomplete) {
	case suspicious:
		w.brokenAt = now.Add(w.pace.broken)
		w.readAt = w.brokenAt
		return noReload
	case unfinished:
		w.readAt = w.began.Add(w.pace.writing)
		return noReload
	case different:
		w.endWait()
		w.retryAt = time.Time{}
		return onChange
	case restored:
		w.retryAt = time.Time{}
	}
	w.endWait()
	return noReload
}

// endWait ends the wait that the first change started.
func (w *watcher) endWait() {
	clear(w.writing)
	w.began, w.unsure = time.Time{}, false
}

// maxLooks limits the comparisons while each one adds more files to watch.
const maxLooks = 5

// readFiles reads the files and stores the result in last, which is a new reading if a content has changed. It
// reports whether the configuration is broken.
func (w *watcher) readFiles() (broken bool) {
	for range maxLooks {
		if w.last.isStale() {
			earlier := w.last
			w.last = newReading(w.files)
			_, bad := parser.Load(w.last.source(w.source))
			w.last.readNamed(earlier)
			w.memory.broken = len(bad) > 0
		}
		if !w.addWatches() {
			break
		}
	}
	return w.memory.broken
}

// addWatches watches the paths of the last reading, and reports whether it added a watch: that place may have
// changed in the meantime.
func (w *watcher) addWatches() (added bool) {
	w.paths = newWatchPaths(w.source.Path, w.last)
	if w.notifier == nil {
		return false
	}
	added, err := w.notifier.watch(w.paths)
	if err != nil {
		w.degrade(err)
	}
	return added
}

// recordTrial records the result of an attempt.
func (w *watcher) recordTrial(t trial) {
	w.last = t.read
	w.memory.record(t.read.digest(), t.served)
	w.endWait()
	w.addWatches()
	now := time.Now()
	w.readAt = now.Add(w.pace.quiet) // something may have changed after it was read
	w.retryAt = time.Time{}
	if t.served || !t.passes {
		w.pause = 0
		return
	}
	w.pause = min(max(2*w.pause, w.pace.retry), w.pace.slowest)
	w.retryAt = now.Add(w.pause)
}
