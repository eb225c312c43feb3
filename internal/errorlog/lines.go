package errorlog

import "io"

// Lines returns the Target that writes each line to w by one call. w must be safe for concurrent use and must not wait. What it
// refuses is lost.
func Lines(w io.Writer) Target { return lineTarget{w} }

type lineTarget struct{ w io.Writer }

// WriteLine writes line.
func (t lineTarget) WriteLine(_ Level, line []byte) { t.w.Write(line) }
