package errorlog

import "io"

// Lines returns the Target that writes each line to w with one call. w must be safe for concurrent
// use and must not block. A line that w refuses is lost.
func Lines(w io.Writer) Target { return lineTarget{w} }

type lineTarget struct{ w io.Writer }

// WriteLine writes line.
func (t lineTarget) WriteLine(_ Level, line []byte) { t.w.Write(line) }
