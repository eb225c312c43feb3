package errorlog

import (
	"hash/maphash"
	"strconv"
	"strings"
	"sync"
	"time"
)

// repeatWindow is the time for which repeated messages are counted before they are reported.
const repeatWindow = time.Second

// maxRepeats limits how many different messages are counted at the same time. Further ones are not limited.
const maxRepeats = 1024

// repeats limits how often a Log writes the same message. The nil repeats sets no limit. It is safe for
// concurrent use.
type repeats struct {
	log   *Log
	most  int // per window
	seed  maphash.Seed
	after func(time.Duration, func()) *time.Timer // time.AfterFunc

	mu      sync.Mutex
	seen    map[repeatKey]*repeat
	pending bool // a report is due
}

// A repeatKey identifies messages that differ only in numbers and addresses.
type repeatKey struct {
	hash  uint64
	level Level
	json  bool
}

// A repeat counts one message.
type repeat struct {
	begun   time.Time // of the window
	written int       // in the window
	left    int       // not written since the last report
	text    string    // of the first that was not written
}

// LimitRepeats makes the log write the same message at most so many times per second, and report how many
// others there were. Messages are the same if only numbers and addresses differ; the address of a server
// counts. It must not be called after the log is in use.
func (l *Log) LimitRepeats(perSecond int) {
	l.repeats = &repeats{
		log: l, most: perSecond, seed: maphash.MakeSeed(), after: time.AfterFunc, seen: map[repeatKey]*repeat{},
	}
}

// ReportRepeats reports at once what it would report within a second.
func (l *Log) ReportRepeats() {
	if l != nil && l.repeats != nil {
		l.repeats.report()
	}
}

// drops counts a message, and reports whether it must not be written.
func (r *repeats) drops(level Level, json bool, msg, server string) bool {
	if r == nil {
		return false
	}
	key, now := repeatKey{r.hash(msg, server), level, json}, r.log.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	one := r.find(key, now)
	if one == nil {
		return false
	}
	if now.Sub(one.begun) >= repeatWindow {
		one.begun, one.written = now, 0
	}
	if one.written < r.most {
		one.written++
		return false
	}
	if one.left++; one.left == 1 {
		one.text = strings.Clone(msg)
	}
	if !r.pending {
		r.pending = true
		r.after(repeatWindow, r.report)
	}
	return true
}

// find returns the count of a message; nil if there is no room for it.
func (r *repeats) find(key repeatKey, now time.Time) *repeat {
	if one := r.seen[key]; one != nil {
		return one
	}
	if len(r.seen) >= maxRepeats {
		r.forget(now)
	}
	if len(r.seen) >= maxRepeats {
		return nil
	}
	one := &repeat{begun: now}
	r.seen[key] = one
	return one
}

// forget removes the messages that have not been written lately.
func (r *repeats) forget(now time.Time) {
	for key, one := range r.seen {
		if one.left == 0 && now.Sub(one.begun) >= repeatWindow {
			delete(r.seen, key)
		}
	}
}

// report writes one line for each message that was left out.
func (r *repeats) report() {
	for key, one := range r.takeLeft() {
		text := "message repeated " + strconv.Itoa(one.left) + " times: " + one.text
		if key.json {
			r.log.writeRecord(key.level, 0, &Record{Msg: text})
			continue
		}
		r.log.writeText(key.level, 0, text)
	}
}

// takeLeft removes and returns the counts of messages that were left out.
func (r *repeats) takeLeft() map[repeatKey]repeat {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pending = false
	left := map[repeatKey]repeat{}
	for key, one := range r.seen {
		if one.left > 0 {
			left[key] = *one
			one.left, one.text = 0, ""
		}
	}
	return left
}

// hash returns the hash of a message without its numbers and addresses, and of the server.
func (r *repeats) hash(msg, server string) uint64 {
	var h maphash.Hash
	h.SetSeed(r.seed)
	what, context, _ := strings.Cut(msg, "client: ")
	for word := range strings.FieldsSeq(what) {
		if !isVariable(word) {
			h.WriteString(word)
			h.WriteByte(' ')
		}
	}
	if _, rest, ok := strings.Cut(context, "upstream: \""); ok {
		server, _, _ = strings.Cut(rest, "\"")
	}
	h.WriteString(server)
	return h.Sum64()
}

// isVariable reports whether a word is a number or an address.
func isVariable(word string) bool {
	return strings.ContainsAny(word, "0123456789") || strings.Contains(word, "::")
}

// server returns the address of the server in the context of a record.
func (r *Record) server() string {
	for _, t := range r.Tags {
		if t.Name == "upstream" {
			return t.Text
		}
	}
	return ""
}
