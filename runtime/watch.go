package runtime

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"

	"weir/directives"
	"weir/parser"
	"weir/parser/diag"
)

// quietTime is how long the files must be left alone before they are looked at: long enough for an editor or a deployment to finish
// writing. What does not parse is likely to be half of something, and is given brokenFactor times as long.
const (
	quietTime    = 200 * time.Millisecond
	brokenFactor = 5
)

// A watcher says when what a configuration is read from has changed. It watches directories, since files come into being, are
// replaced and are reached through links that move, as Kubernetes does with ..data; and it compares contents, since a file that was
// touched has not changed.
type watcher struct {
	source  parser.Source
	quiet   time.Duration
	notify  *fsnotify.Watcher
	changed chan struct{}
	armed   chan print // what has been loaded by others
	done    chan struct{}
	running sync.WaitGroup
}

// A print identifies what was read.
type print [sha256.Size]byte

// newWatcher returns a watcher of all that src reads now, which looks at it when it has been left alone for the time quiet. close
// ends it.
func newWatcher(src parser.Source, quiet time.Duration) (*watcher, error) {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	w := &watcher{
		source: src, quiet: quiet, notify: notify,
		changed: make(chan struct{}), armed: make(chan print), done: make(chan struct{}),
	}
	tree, bad := parser.Load(src)
	if err := w.follow(tree); err != nil {
		notify.Close()
		return nil, err
	}
	w.running.Go(func() { w.run(memory{known: printOf(tree, bad)}) })
	return w, nil
}

// changes delivers a value for each change. A nil watcher never does.
func (w *watcher) changes() <-chan struct{} {
	if w == nil {
		return nil
	}
	return w.changed
}

// arm tells the watcher what has been loaded, lest it report that as a change. p is nil for what was refused.
func (w *watcher) arm(p *directives.Program) {
	if w == nil || p == nil {
		return
	}
	select {
	case w.armed <- printOf(p.Tree, nil):
	case <-w.done:
	}
}

// close ends the watcher; nil is none.
func (w *watcher) close() {
	if w == nil {
		return
	}
	close(w.done)
	w.notify.Close()
	w.running.Wait()
}

// run looks at the files when they have been left alone for a while.
func (w *watcher) run(m memory) {
	var report chan<- struct{} // nil: nothing to report
	quiet := time.NewTimer(w.quiet)
	for {
		select {
		case <-w.done:
			return
		case report <- struct{}{}:
			report = nil
		case m.known = <-w.armed: // which may be older than what is there by now
			report = nil
			quiet.Reset(w.quiet)
		case <-w.notify.Errors: // events were lost
			quiet.Reset(w.quiet)
		case <-w.notify.Events:
			quiet.Reset(w.quiet)
		case <-quiet.C:
			switch m.judge(w.look()) {
			case suspicious:
				quiet.Reset(brokenFactor * w.quiet)
			case different:
				report = w.changed
			}
		}
	}
}

// A memory is what a watcher knows of what it saw before.
type memory struct {
	known   print // reported or loaded last
	suspect print // seen broken once
}

// A judgement says what a look has found.
type judgement int

const (
	unchanged  judgement = iota
	suspicious           // broken, and worth another look before it is reported
	different            // to be reported
)

// judge compares what is there now with what was. Something broken is reported when it is seen for the second time, and once.
func (m *memory) judge(now print, broken bool) judgement {
	switch {
	case now == m.known:
		return unchanged
	case broken && now != m.suspect:
		m.suspect = now
		return suspicious
	}
	m.known = now
	return different
}

// look reads everything, and reports whether that is broken.
func (w *watcher) look() (now print, broken bool) {
	tree, bad := parser.Load(w.source)
	w.follow(tree) // what can not be watched yet will be looked for with the next change
	return printOf(tree, bad), len(bad) > 0
}

// follow watches the directories of all that tree was read from, and of all that it might be.
func (w *watcher) follow(tree *parser.Tree) error {
	wanted := map[string]bool{}
	add := func(path string) {
		for _, dir := range stations(path) {
			wanted[dir] = true
		}
	}
	add(w.source.Path)
	for _, f := range tree.Files {
		add(f.Path)
	}
	for _, p := range tree.Patterns {
		for _, dir := range patternDirs(p) {
			add(filepath.Join(dir, "any"))
		}
	}
	return w.watch(wanted)
}

// maxHops is how many links Linux follows in one path.
const maxHops = 40

// stations lists the directories in which a change can change what path leads to: the one that holds the file, that of each link on
// the way, and the last one that exists.
func stations(path string) []string {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil
	}
	var dirs []string
	at, rest, hops := "/", strings.Split(path, "/"), 0
	for len(rest) > 0 && hops < maxHops {
		next := filepath.Join(at, rest[0])
		rest = rest[1:]
		info, err := os.Lstat(next)
		if err != nil {
			return append(dirs, at)
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			at = next
			continue
		}
		hops++
		dirs = append(dirs, at)
		to, err := os.Readlink(next)
		if err != nil {
			return dirs
		}
		if filepath.IsAbs(to) {
			at = "/"
		}
		rest = append(strings.Split(to, "/"), rest...)
	}
	return append(dirs, filepath.Dir(at))
}

// patternDirs lists the directories in which files that match pattern are or may appear.
func patternDirs(pattern string) []string {
	dir := filepath.Dir(pattern)
	if !strings.ContainsAny(dir, "*?[") {
		return []string{dir}
	}
	dirs := patternDirs(dir)
	matching, err := parser.Glob(dir)
	if err != nil {
		return dirs
	}
	return append(dirs, matching...)
}

// watch makes the watched directories those that are wanted. One that does not exist is no error while others do.
func (w *watcher) watch(wanted map[string]bool) error {
	for _, dir := range w.notify.WatchList() {
		if !wanted[dir] {
			w.notify.Remove(dir)
		}
	}
	var failed []error
	for dir := range wanted {
		if err := w.notify.Add(dir); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", dir, err))
		}
	}
	if len(failed) == len(wanted) {
		return errors.Join(failed...)
	}
	return nil
}

// printOf is the print of what tree was read from, and of what was wrong with it.
func printOf(tree *parser.Tree, bad diag.List) print {
	h := sha256.New()
	for _, f := range tree.Files {
		fmt.Fprintf(h, "%q %d\n", f.Path, len(f.Raw))
		h.Write(f.Raw)
	}
	for _, d := range bad {
		fmt.Fprintln(h, d.Error())
	}
	return print(h.Sum(nil))
}
