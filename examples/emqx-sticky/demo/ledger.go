package main

import "sync"

// visit is one CONNECT packet as a broker met it.
type visit struct {
	client string // client identifier
	broker string // address of the broker
	from   string // client address that the broker believes in: the one in the PROXY header
}

// ledger holds the latest visit of every client, written by all brokers. Its methods may be called at the same time.
type ledger struct {
	mu     sync.Mutex
	latest map[string]visit
	notify func(visit)
}

// newLedger returns an empty ledger.
func newLedger() *ledger {
	return &ledger{latest: make(map[string]visit)}
}

// record notes a visit and tells the watcher, if there is one.
func (l *ledger) record(v visit) {
	l.mu.Lock()
	l.latest[v.client] = v
	notify := l.notify
	l.mu.Unlock()
	if notify != nil {
		notify(v)
	}
}

// watch has f called, from a broker's goroutine, for every visit from now on.
func (l *ledger) watch(f func(visit)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.notify = f
}

// visitOf returns the latest visit of a client; it is the zero value when no broker has met the client.
func (l *ledger) visitOf(client string) visit {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.latest[client]
}
