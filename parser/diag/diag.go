// Package diag holds what the person who wrote a configuration is told about it: nginx's own sentence,
// a severity and a place.
package diag

import "strconv"

// A Severity says whether a configuration can be used in spite of a Diagnostic.
type Severity int

// The severities, in rising order.
const (
	Warn  Severity = iota // said, and the configuration is used
	Crit                  // refused; nginx's level for a file that opens and then cannot be read
	Emerg                 // refused
)

// String returns nginx's name of the level, as it stands in brackets before a message: "warn", "crit", "emerg".
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

// A Position is a place in a configuration. File is the path as nginx prints it, and empty for the text of
// the -g option. Line and Col count from 1; Col counts bytes.
type Position struct {
	File string
	Line int
	Col  int
}

// IsZero reports whether p names no place at all.
func (p Position) IsZero() bool { return p == Position{} }

// String returns the place as "FILE:LINE:COL", or "command line" for the text of -g.
func (p Position) String() string {
	if p.File == "" {
		return "command line"
	}
	return p.File + ":" + strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Col)
}

// A Diagnostic is one remark about a configuration. It is a plain value and may be copied and shared.
type Diagnostic struct {
	Severity Severity
	Pos      Position // the offending word
	Line     int      // the line nginx prints: the one its lexer has reached, on which the directive ends
	Message  string   // nginx's sentence, without the place
	Late     bool     // found after everything had been read, when nginx -t has already called the syntax ok
	NoPlace  bool     // the sentence stands alone, as for a main file that cannot be opened
	Hint     string   // how to correct it, for Explain; empty if nothing is known
}

// maxPlaced is how much of a sentence stays when a place follows it (NGX_MAX_CONF_ERRSTR).
const maxPlaced = 1024

// Error returns nginx's sentence with its place, as ngx_conf_log_error words it: "MESSAGE in FILE:LINE",
// "MESSAGE in command line" for the text of -g, or MESSAGE alone. Before a place a long sentence is cut.
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

// A List holds diagnostics in the order in which nginx would meet them.
type List []Diagnostic

// HasEmerg reports whether the configuration is refused: whether there is more in l than warnings.
func (l List) HasEmerg() bool {
	_, ok := l.FirstEmerg()
	return ok
}

// FirstEmerg returns the diagnostic that nginx would stop at, and false if there is none.
func (l List) FirstEmerg() (Diagnostic, bool) {
	for _, d := range l {
		if d.Severity > Warn {
			return d, true
		}
	}
	return Diagnostic{}, false
}

// Err returns what FirstEmerg returns as an error, and nil if there is none.
func (l List) Err() error {
	d, ok := l.FirstEmerg()
	if !ok {
		return nil
	}
	return d
}

// Split parts what was found while reading from what is Late.
func (l List) Split() (read, late List) {
	for i, d := range l {
		if d.Late {
			return l[:i], l[i:]
		}
	}
	return l, nil
}
