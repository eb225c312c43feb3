package runtime

// A history records the configurations that a watcher has seen.
type history struct {
	serving digest // of the running configuration
	known   digest // reported or tried last
	suspect digest // seen broken once
	broken  bool   // the last one seen does not parse
}

// A comparison is the result of a look.
type comparison int

const (
	unchanged  comparison = iota
	restored              // the running configuration again, after others that were reported
	suspicious            // broken, to be checked again before it is reported
	unfinished            // changed, and still being written
	different             // to be reported
)

// compare compares the present content with the past. A broken configuration is reported once, the second
// time that it is seen; that is harmless, so that the watcher does not wait for the writer.
func (m *history) compare(now digest, broken, incomplete bool) comparison {
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

// record records a configuration that was tried.
func (m *history) record(tried digest, served bool) {
	m.known, m.suspect, m.broken = tried, digest{}, false
	if served {
		m.serving = tried
	}
}
