package offline

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"weir/internal/errorlog"
	"weir/stream"
)

// Lines is the target of an error log that stores its lines: "[info] *1 client connected", without
// time and process. The zero Lines is empty. It is safe for concurrent use.
type Lines struct {
	mu   sync.Mutex
	kept []string
}

// WriteLine stores a line.
func (l *Lines) WriteLine(level errorlog.Level, line []byte) {
	_, msg, _ := bytes.Cut(line, []byte("#"))
	_, msg, _ = bytes.Cut(msg, []byte(": "))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept = append(l.kept, "["+level.String()+"] "+strings.TrimSuffix(string(msg), "\n"))
}

// All returns the lines so far.
func (l *Lines) All() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.kept)
}

// Count returns how many of the lines contain text.
func (l *Lines) Count(text string) int {
	n := 0
	for _, line := range l.All() {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

// NewEnv returns an Env with that clock, whose log, at level info, writes to the Lines.
func NewEnv(now func() time.Time) (*stream.Env, *Lines) {
	lines := &Lines{}
	log := errorlog.New(now, 1)
	log.Add(errorlog.Info, lines)
	var ids atomic.Uint64
	return &stream.Env{Now: now, NextID: func() uint64 { return ids.Add(1) }, Log: log, Hostname: "host", PID: 1}, lines
}
