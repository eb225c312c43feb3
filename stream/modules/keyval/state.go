package keyval

import (
	"sync"

	"weir/internal/errorlog"
	"weir/internal/keyval"
	"weir/internal/statefile"
	"weir/stream"
)

// A state keeps the pairs of a Store in a file. The zones of successive configurations share it, so that
// an older content never replaces a newer one. A nil state does nothing.
type state struct {
	path  string
	store *keyval.Store // nil after end

	mu      sync.Mutex // held while the file is written
	unsaved bool       // the file must be written even if there was no change
	saved   uint64     // the changes of the store that the file has
	cleaned bool       // temporary files of earlier processes were removed
	failed  string     // the last error that was logged; empty after a success
	pace    pace
}

// statePermissions are those of a state file that did not exist.
const statePermissions = 0o600

// newState returns a state whose file has the content of the store; nil if path is empty.
func newState(path string, store *keyval.Store) *state {
	if path == "" {
		return nil
	}
	return &state{path: path, store: store, saved: store.Changes()}
}

// markUnsaved makes the next save write the file. It is called before the state is in use.
func (f *state) markUnsaved() {
	if f != nil {
		f.unsaved = true
	}
}

// save writes the file if there are changes that it does not have. An error is logged once, and the next
// save tries again.
func (f *state) save(env *stream.Env) {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.write(env)
}

// saveAtPace is save, unless writing takes more than its share of the time.
func (f *state) saveAtPace(env *stream.Env) {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pace.do(func() { f.write(env) })
}

func (f *state) write(env *stream.Env) {
	if f.store == nil || env.OwnsState != nil && !env.OwnsState() {
		return
	}
	f.clean()
	changes := f.store.Changes()
	if changes == f.saved && !f.unsaved {
		return
	}
	if err := statefile.Write(f.path, statePermissions, f.store.WriteState); err != nil {
		f.report(env, err)
		return
	}
	f.saved, f.unsaved, f.failed = changes, false, ""
}

// end leaves the file to another state.
func (f *state) end() {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.store = nil
}

// clean removes temporary files once. If that fails, writing does too, and reports the error.
func (f *state) clean() {
	if f.cleaned {
		return
	}
	f.cleaned = true
	_ = statefile.Clean(f.path)
}

// report logs an error unless it is the one of the last attempt.
func (f *state) report(env *stream.Env, err error) {
	reason := errorlog.Errno(err)
	if reason == f.failed {
		return
	}
	f.failed = reason
	env.Log.Write(errorlog.Error, 0, "writing the state file \""+f.path+"\" failed"+reason)
}
