package drivertest

import (
	"syscall"
	"time"

	"weir/stream"
)

// urgent makes a client send urgent bytes, which are not relayed: a read stops before each of them,
// and the bytes after them arrive nevertheless. All bytes are there before the relay begins, so
// that no further event reports them.
func urgent(r *rig) {
	l := r.socket("tcp")
	c := &pausing{&Proxy{To: []stream.Addr{addrOf(l.Addr())}, Spec: spec(), Saw: r.saw}, 200 * time.Millisecond}
	p := &passage{r.listenOn("tcp", r.server(c)), l}
	client := p.dial()
	sayUrgent(r, client, "abc!")
	say(r, client, "def")
	server := p.accept()
	hear(r, server, "abcdef")
	sayUrgent(r, client, "ghi!")
	hear(r, server, "ghi")
	say(r, client, "jkl")
	hear(r, server, "jkl")
	client.Close()
}

// sayUrgent sends text with its last byte urgent.
func sayUrgent(r *rig, to duplex, text string) {
	r.Helper()
	raw, err := to.SyscallConn()
	must(r, err)
	must(r, raw.Control(func(fd uintptr) { err = syscall.Sendto(int(fd), []byte(text), syscall.MSG_OOB, nil) }))
	must(r, err)
}
