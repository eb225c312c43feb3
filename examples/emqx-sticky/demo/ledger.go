package main

import "sync"

// visit is one CONNECT packet as received by a broker.
type visit struct {
	client string // client identifier
	broker string // address of the broker
	from   string // client address that the broker sees: the one in the PROXY header
}

// visitLog holds the latest visit of every client, written by all brokers. Its methods may be called
// concurrently.
type visitLog struct {
	mu     sync.Mutex
	latest map[string]visit
	notify func(visit)
}

// newVisitLog returns an empty visit log.
func newVisitLog() *visitLog {
	return &visitLog{latest: make(map[string]visit)}
}

// record stores a visit and calls the watcher, if any.
func (l *visitLog) record(v visit) {
	l.mu.Lock()
	l.latest[v.client] = v
	notify := l.notify
	l.mu.Unlock()
	if notify != nil {
		notify(v)
	}
}

// watch sets f to be called, from a broker's goroutine, for every later visit.
func (l *visitLog) watch(f func(visit)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.notify = f
}

// visitOf returns the latest visit of a client, or the zero value if no broker has seen the client.
func (l *visitLog) visitOf(client string) visit {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.latest[client]
}
