package runtime

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// A readyParent records how many listeners the master has when it becomes ready.
type readyParent struct {
	parent
	master    *testMaster
	listeners []int
}

func (p *readyParent) Open(string) (*os.File, error)       { return nil, unix.EPERM }
func (p *readyParent) Bind(fd int, at unix.Sockaddr) error { return unix.Bind(fd, at) }
func (p *readyParent) Keep([]int) error                    { return nil }
func (p *readyParent) SetEnv([]string) error               { return nil }

func (p *readyParent) Ready() error {
	p.listeners = append(p.listeners, len(p.master.ports))
	return nil
}

// TestReadyBeforeTheFirstClient checks that the parent learns the end of the start before the process accepts.
func TestReadyBeforeTheFirstClient(t *testing.T) {
	b := newTestMaster(t)
	p := &readyParent{master: b}
	b.files.parent = p
	b.setProgram(b.program(freeAddr(t)))
	if err := b.start(); err != nil {
		t.Fatal(err)
	}
	if len(p.listeners) == 0 || p.listeners[0] != 0 {
		t.Errorf("got listeners %v, want none at first", p.listeners)
	}
	b.terminate()
}
