package realpeers

import "sync"

// brokerSession is one connection of a client as seen by its broker.
type brokerSession struct {
	id   string
	from string // host:port that the broker reports for the client
	// header is the value of proxy_protocol that sends the header that the broker read, "" if the
	// broker does not report the version.
	header string
	left   bool // the broker knows that it has ended
	clean  bool // and received a DISCONNECT before
}

// record contains the sessions of one broker in order. Its methods may be called concurrently.
type record struct {
	mu       sync.Mutex
	sessions []brokerSession
}

// headerSetting is the value of proxy_protocol for each version of the header.
var headerSetting = map[byte]string{1: "on", 2: "v2"}

// connected adds a session; version is that of the PROXY header, 0 if unknown.
func (r *record) connected(id, from string, version byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sessions = append(r.sessions, brokerSession{id: id, from: from, header: headerSetting[version]})
}

// disconnected ends the earliest open session that matches same.
func (r *record) disconnected(clean bool, same func(brokerSession) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.sessions {
		if m := &r.sessions[i]; !m.left && same(*m) {
			m.left, m.clean = true, clean
			return
		}
	}
}

// of returns the sessions of one client.
func (r *record) of(id string) []brokerSession {
	r.mu.Lock()
	defer r.mu.Unlock()
	var ms []brokerSession
	for _, m := range r.sessions {
		if m.id == id {
			ms = append(ms, m)
		}
	}
	return ms
}

// byID selects the sessions of a client.
func byID(id string) func(brokerSession) bool {
	return func(m brokerSession) bool { return m.id == id }
}

// byAddress selects the session of the client at an address.
func byAddress(from string) func(brokerSession) bool {
	return func(m brokerSession) bool { return m.from == from }
}
