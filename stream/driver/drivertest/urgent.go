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
	c := &pausingContent{&Proxy{To: []stream.Addr{addrOf(l.Addr())}, Spec: spec(), OnEvent: r.recordEvent}, 200 * time.Millisecond}
	p := &proxyFrontend{r.listenOn("tcp", r.server(c)), l}
	client := p.dial()
	sendUrgent(r, client, "abc!")
	send(r, client, "def")
	server := p.accept()
	expect(r, server, "abcdef")
	sendUrgent(r, client, "ghi!")
	expect(r, server, "ghi")
	send(r, client, "jkl")
	expect(r, server, "jkl")
	client.Close()
}

// sendUrgent sends text with its last byte urgent.
func sendUrgent(r *rig, to duplex, text string) {
	r.Helper()
	raw, err := to.SyscallConn()
	must(r, err)
	must(r, raw.Control(func(fd uintptr) { err = syscall.Sendto(int(fd), []byte(text), syscall.MSG_OOB, nil) }))
	must(r, err)
}
