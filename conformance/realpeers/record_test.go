package realpeers

import "sync"

// meeting is one connection of a client, as its broker saw it.
type meeting struct {
	id   string
	from string // host:port that the broker takes for the client's
	// header is the value of proxy_protocol that sends what the broker read, "" if it does not tell the version.
	header string
	left   bool // the broker knows that it is over
	clean  bool // and heard a DISCONNECT before
}

// record holds the meetings of one broker in order. Its methods may be called at the same time.
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

// left ends the earliest meeting under way for which same holds.
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

// byAddress selects the meeting with whoever came from an address.
func byAddress(from string) func(meeting) bool {
	return func(m meeting) bool { return m.from == from }
}
