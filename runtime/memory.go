package runtime

// A memory records the configurations that a watcher has seen.
type memory struct {
	serving print // of the running configuration
	known   print // reported or tried last
	suspect print // seen broken once
	broken  bool  // the last one seen does not parse
}

// A judgement is the result of a look.
type judgement int

const (
	unchanged  judgement = iota
	restored             // the running configuration again, after others that were reported
	suspicious           // broken, to be checked again before it is reported
	unfinished           // changed, and still being written
	different            // to be reported
)

// judge compares the present content with the past. A broken configuration is reported once, the second
// time that it is seen; that is harmless, so that the watcher does not wait for the writer.
func (m *memory) judge(now print, broken, incomplete bool) judgement {
	switch {
	case now == m.known:
		return unchanged
	case now == m.serving:
		m.known = now
		return restored
	case broken && now != m.suspect:
		m.suspect = now
		return suspicious
	case !broken && incomplete:
		return unfinished
	}
	m.known = now
	return different
}

// learn records a configuration that was tried.
func (m *memory) learn(tried print, served bool) {
	m.known, m.suspect, m.broken = tried, print{}, false
	if served {
		m.serving = tried
	}
}
