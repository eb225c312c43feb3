package runtime

// A memory is what a watcher knows of the configurations that it has seen.
type memory struct {
	serving print // that of the running configuration
	known   print // reported or tried last
	suspect print // seen broken once
	broken  bool  // what was seen last does not parse
}

// A judgement is what a look has found.
type judgement int

const (
	unchanged  judgement = iota
	restored             // the running configuration after others that were reported
	suspicious           // broken, and to be looked at once more before it is reported
	unfinished           // changed, and still being written
	different            // to be reported
)

// judge compares what is there now with what was. Something broken is reported when it is seen for the second time, and once; it
// harms nothing, so that the end of the writing is not waited for.
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

// learn takes what has been tried.
func (m *memory) learn(tried print, served bool) {
	m.known, m.suspect, m.broken = tried, print{}, false
	if served {
		m.serving = tried
	}
}
