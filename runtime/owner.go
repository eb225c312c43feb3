package runtime

import (
	"errors"
	"net/http"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"weir/runtime/api"
)

// An owner is the right of the process to change what it keeps in state files. While two binaries serve, neither has it:
// each would overwrite the changes of the other one. It returns to the old binary if the new one ends, and passes to the
// new one when the old one quits. It is safe for concurrent use.
type owner struct {
	others func() bool // reports whether an old binary may serve again; nil means never

	mu   sync.RWMutex // held, for reading, during a change
	lent atomic.Bool  // a new binary runs, or is about to be started
	last atomic.Bool  // others has returned false
}

// errTwoBinaries refuses a change of the state.
var errTwoBinaries = &api.Error{
	Status: http.StatusServiceUnavailable, Code: "UpgradeRuns", Text: "the state cannot change while two binaries serve",
}

// has reports whether the process has the right.
func (o *owner) has() bool {
	if o.lent.Load() {
		return false
	}
	if o.last.Load() || o.others == nil {
		return true
	}
	if o.others() {
		return false
	}
	o.last.Store(true)
	return true
}

// do calls change if the process has the right.
func (o *owner) do(change func() error) error {
	o.mu.RLock()
	defer o.mu.RUnlock()
	if !o.has() {
		return errTwoBinaries
	}
	return change()
}

// lend gives up the right for a new binary. Changes have ended when it returns; save writes what is not in the files yet.
func (o *owner) lend(save func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	save()
	o.lent.Store(true)
}

// takeBack takes the right after the end of the new binary.
func (o *owner) takeBack() { o.lent.Store(false) }

// lendState gives up the state to a new binary.
func (m *Master) lendState() {
	m.await(m.signals.urgent, run(func() {
		m.owner.lend(func() {
			for _, p := range m.latest.Program.Stream.Parts {
				if s, keeps := p.(interface{ Save() }); keeps {
					s.Save()
				}
			}
		})
	}))
}

// lockPid locks the pid file until the process quits: so a new binary knows whether the old one may serve again.
func (m *Master) lockPid(path string) {
	f, err := os.Open(path)
	if err != nil {
		return
	}
	if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		f.Close()
		return
	}
	m.unlockPid()
	m.locked = f
}

func (m *Master) unlockPid() {
	if m.locked != nil {
		m.locked.Close()
	}
	m.locked = nil
}

// oldServes reports whether the old binary may serve again: it runs, and has not been told to quit.
func (m *Master) oldServes(pidPath string) bool {
	if !m.signals.hasOldBinary() {
		return false
	}
	f, err := os.Open(pidPath + oldSuffix)
	if err != nil {
		return false
	}
	defer f.Close()
	return errors.Is(unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB), unix.EWOULDBLOCK)
}
