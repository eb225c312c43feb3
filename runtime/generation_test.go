package runtime

import (
	"net"
	"net/netip"
	"os"
	"strconv"
	"testing"
)

func pid() string { return strconv.Itoa(os.Getpid()) }

func addrOfListener(l net.Listener) netip.AddrPort { return netip.MustParseAddrPort(l.Addr().String()) }

func TestEndedGenerationCannotBeAcquired(t *testing.T) {
	b := newTestMaster(t)
	g := newGeneration(1, b.program(), &tally{})
	if !g.acquire() {
		t.Fatal("a current generation can not be held")
	}
	g.Release()
	g.unref()
	<-g.gone
	if g.acquire() {
		t.Error("raised from zero")
	}
	defer func() {
		if recover() == nil {
			t.Error("released below zero without a word")
		}
	}()
	g.unref()
}

func TestAdmitAllocatesNothing(t *testing.T) {
	b := newTestMaster(t)
	addr := freeAddr(t)
	b.current.Store(newGeneration(1, b.program(addr), &tally{}))
	admit := b.admit(addr)
	if n := testing.AllocsPerRun(100, func() { _, lease := admit(); lease.Release() }); n != 0 {
		t.Errorf("got %v allocations, want none", n)
	}
	gone := b.admit(freeAddr(t))
	if l, lease := gone(); l != nil || lease != nil {
		t.Errorf("unknown address: got %v, %v", l, lease)
	}
	b.current.Store(nil)
	if l, lease := admit(); l != nil || lease != nil {
		t.Errorf("while quitting: got %v, %v", l, lease)
	}
}
