// Package diag contains the diagnostics for the author of a configuration: nginx's own sentence, a
// severity and a position.
package diag

import "strconv"

// A Severity determines whether a configuration can be used despite a Diagnostic.
type Severity int

// The severities, in ascending order.
const (
	Warn  Severity = iota // logged; the configuration is used
	Crit                  // refused; nginx's level for a file that opens and then cannot be read
	Emerg                 // refused
)

// String returns nginx's name of the level, as in brackets before a message: "warn", "crit", "emerg".
func (s Severity) String() string {
	switch s {
	case Warn:
		return "warn"
	case Crit:
		return "crit"
	default:
		return "emerg"
	}
}

// A Position is a position in a configuration. File is the path as nginx prints it, and empty for the text
// of the -g option. Line and Col count from 1; Col counts bytes.
type Position struct {
	File string
	Line int
	Col  int
}

// IsZero reports whether p is not set.
func (p Position) IsZero() bool { return p == Position{} }

// String returns the position as "FILE:LINE:COL", or "command line" for the text of -g.
func (p Position) String() string {
	if p.File == "" {
		return "command line"
	}
	return p.File + ":" + strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Col)
}

// A Diagnostic is one message about a configuration. It is a plain value and may be copied and shared.
type Diagnostic struct {
	Severity Severity
	Pos      Position // the offending word
	Line     int      // the line nginx prints: the one its lexer has reached, on which the directive ends
	Message  string   // nginx's sentence, without the position
	Late     bool     // found after everything was read, when nginx -t has already reported that the syntax is ok
	NoPlace  bool     // the sentence has no position, as for a main file that cannot be opened
	Hint     string   // how to correct it, for Explain; empty if unknown
}

// maxPlaced limits the length of a sentence before a position (NGX_MAX_CONF_ERRSTR).
const maxPlaced = 1024

// Error returns nginx's sentence with its position, in the words of ngx_conf_log_error: "MESSAGE in
// FILE:LINE", "MESSAGE in command line" for the text of -g, or MESSAGE alone. A long sentence before a
// position is cut.
func (d Diagnostic) Error() string {
	if d.NoPlace {
		return d.Message
	}
	message := d.Message[:min(len(d.Message), maxPlaced)]
	if d.Pos.File == "" {
		return message + " in command line"
	}
	return message + " in " + d.Pos.File + ":" + strconv.Itoa(d.Line)
}

// A List contains diagnostics in the order in which nginx would find them.
type List []Diagnostic

// HasEmerg reports whether the configuration is refused: whether l contains more than warnings.
func (l List) HasEmerg() bool {
	_, ok := l.FirstEmerg()
	return ok
}

// FirstEmerg returns the diagnostic at which nginx would stop, and false if there is none.
func (l List) FirstEmerg() (Diagnostic, bool) {
	for _, d := range l {
		if d.Severity > Warn {
			return d, true
		}
	}
	return Diagnostic{}, false
}

// Err returns the result of FirstEmerg as an error, and nil if there is none.
func (l List) Err() error {
	d, ok := l.FirstEmerg()
	if !ok {
		return nil
	}
	return d
}

// Split separates the diagnostics found while reading from the Late ones.
func (l List) Split() (read, late List) {
	for i, d := range l {
		if d.Late {
			return l[:i], l[i:]
		}
	}
	return l, nil
}
