//go:build !linux

package runtime

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/fsnotify/fsnotify"
)

// A portable is the notifier for systems without inotify. It does not know when a program has finished
// writing.
type portable struct {
	fsnotify *fsnotify.Watcher
	out      chan notice
	done     chan struct{}
	running  sync.WaitGroup
}

// newNotifier returns a notifier that watches nothing yet.
func newNotifier() (notifier, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	n := &portable{fsnotify: w, out: make(chan notice), done: make(chan struct{})}
	n.running.Go(n.run)
	return n, nil
}

func (n *portable) notices() <-chan notice { return n.out }

func (n *portable) close() {
	close(n.done)
	n.fsnotify.Close()
	n.running.Wait()
}

func (n *portable) watch(t *watchPaths) (added bool, err error) {
	before := map[string]bool{}
	for _, dir := range n.fsnotify.WatchList() {
		before[dir] = true
		if !t.has(dir) {
			n.fsnotify.Remove(dir)
		}
	}
	for dir, use := range t.dirs {
		added = added || !before[dir]
		if failed := n.fsnotify.Add(dir); failed != nil && use == holder && !errors.Is(failed, fs.ErrNotExist) {
			err = errors.Join(err, fmt.Errorf("%s cannot be watched: %w", dir, failed))
		}
	}
	return added, err
}

// run forwards events until the watcher is closed.
func (n *portable) run() {
	for {
		var next notice
		select {
		case <-n.done:
			return
		case <-n.fsnotify.Errors:
			next.kind = noticeLost
		case e := <-n.fsnotify.Events:
			next.path = e.Name
		}
		select {
		case <-n.done:
			return
		case n.out <- next:
		}
	}
}
