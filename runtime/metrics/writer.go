package metrics

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// A kind is the type of a family of metrics.
type kind string

const (
	counter   kind = "counter"
	gauge     kind = "gauge"
	histogram kind = "histogram"
)

// A writer writes families of metrics in the text format of Prometheus, or of OpenMetrics.
type writer struct {
	buf         []byte
	openMetrics bool
	name        string // of the current family
}

// family begins a family: all its samples follow. In OpenMetrics the samples of a counter must end with
// _total; the type of the exporter's counters, which do not, is unknown there.
func (w *writer) family(name string, k kind, help string) {
	w.name = name
	if w.openMetrics && k == counter {
		if base, total := strings.CutSuffix(name, "_total"); total {
			name = base
		} else {
			k = "unknown"
		}
	}
	w.buf = append(w.buf, "# HELP "...)
	w.buf = append(w.buf, name...)
	w.buf = append(w.buf, ' ')
	w.buf = append(w.buf, help...)
	w.buf = append(w.buf, "\n# TYPE "...)
	w.buf = append(w.buf, name...)
	w.buf = append(w.buf, ' ')
	w.buf = append(w.buf, k...)
	w.buf = append(w.buf, '\n')
}

// sample writes an integer of the current family. labels are names and values in turn.
func (w *writer) sample(value uint64, labels ...string) {
	w.series("", labels)
	w.buf = strconv.AppendUint(w.buf, value, 10)
	w.buf = append(w.buf, '\n')
}

// number is sample for any number.
func (w *writer) number(value float64, labels ...string) {
	w.series("", labels)
	w.buf = strconv.AppendFloat(w.buf, value, 'g', -1, 64)
	w.buf = append(w.buf, '\n')
}

// labeled is sample with labels as appendLabels writes them.
func (w *writer) labeled(value uint64, labels []byte) {
	w.buf = append(w.buf, w.name...)
	w.buf = append(w.buf, labels...)
	w.buf = append(w.buf, ' ')
	w.buf = strconv.AppendUint(w.buf, value, 10)
	w.buf = append(w.buf, '\n')
}

// series writes the name and the labels of a sample, and a blank.
func (w *writer) series(suffix string, labels []string) {
	w.buf = append(w.buf, w.name...)
	w.buf = append(w.buf, suffix...)
	w.buf = appendLabels(w.buf, labels)
	w.buf = append(w.buf, ' ')
}

// appendLabels appends labels, given as names and values in turn.
func appendLabels(b []byte, labels []string) []byte {
	for i := 0; i+1 < len(labels); i += 2 {
		b = append(b, "{,"[min(i, 1)])
		b = append(b, labels[i]...)
		b = append(b, `="`...)
		b = appendEscaped(b, labels[i+1])
		b = append(b, '"')
	}
	if len(labels) > 0 {
		b = append(b, '}')
	}
	return b
}

// appendEscaped appends the value of a label.
func appendEscaped(b []byte, text string) []byte {
	if !needsEscape(text) {
		return append(b, text...)
	}
	for _, r := range strings.ToValidUTF8(text, "\uFFFD") {
		switch r {
		case '\\':
			b = append(b, `\\`...)
		case '"':
			b = append(b, `\"`...)
		case '\n':
			b = append(b, `\n`...)
		default:
			b = append(b, string(r)...)
		}
	}
	return b
}

// needsEscape reports whether text has bytes that do not stand for themselves, or may not.
func needsEscape(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return true
		}
	}
	return false
}

// one writes a family with one sample without labels.
func (w *writer) one(name string, k kind, help string, value uint64) {
	w.family(name, k, help)
	w.sample(value)
}

// flag returns 1 for true.
func flag(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
