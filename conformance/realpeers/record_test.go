package realpeers

import "sync"

// meeting is one connection of a client as seen by its broker.
type meeting struct {
	id   string
	from string // host:port that the broker reports for the client
	// header is the value of proxy_protocol that sends the header that the broker read, "" if the
	// broker does not report the version.
	header string
	left   bool // the broker knows that it has ended
	clean  bool // and received a DISCONNECT before
}

// record holds the meetings of one broker in order. Its methods may be called concurrently.
type record struct {
	mu       sync.Mutex
	meetings []meeting
}

// headerSetting is the value of proxy_protocol for each version of the header.
var headerSetting = map[byte]string{1: "on", 2: "v2"}

// met adds a meeting; version is that of the PROXY header, 0 if unknown.
func (r *record) met(id, from string, version byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.meetings = append(r.meetings, meeting{id: id, from: from, header: headerSetting[version]})
}

// left ends the earliest open meeting that matches same.
func (r *record) left(clean bool, same func(meeting) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.meetings {
		if m := &r.meetings[i]; !m.left && same(*m) {
			m.left, m.clean = true, clean
			return
		}
	}
}

// of returns the meetings with one client.
func (r *record) of(id string) []meeting {
	r.mu.Lock()
	defer r.mu.Unlock()
	var ms []meeting
	for _, m := range r.meetings {
		if m.id == id {
			ms = append(ms, m)
		}
	}
	return ms
}

// byID selects the meetings with a client.
func byID(id string) func(meeting) bool {
	return func(m meeting) bool { return m.id == id }
}

// byAddress selects the meeting with the client at an address.
func byAddress(from string) func(meeting) bool {
	return func(m meeting) bool { return m.from == from }
}
