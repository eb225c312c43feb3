// Package accesslog writes a line about each finished session.
//
// See https://nginx.org/en/docs/stream/ngx_stream_log_module.html.
package accesslog

import (
	"weir/internal/logescape"
	"weir/internal/variables"
	"weir/stream"
)

// A Format is a compiled log_format. It is immutable.
type Format struct {
	pieces []variables.Piece
	escape logescape.Escape
}

// ParseFormat compiles the strings of a log_format, concatenated, against t. The error is nginx's
// sentence.
func ParseFormat(texts []string, escape logescape.Escape, t *stream.VarTable) (*Format, error) {
	pieces, err := t.FormatPieces(texts)
	if err != nil {
		return nil, err
	}
	return &Format{pieces, escape}, nil
}

// Append appends the line for s to b, without a newline.
func (f *Format) Append(b []byte, s *stream.Session) []byte {
	for i := range f.pieces {
		p := &f.pieces[i]
		if p.Index == variables.Literal {
			b = append(b, p.Text...)
			continue
		}
		var found bool
		start := len(b)
		b, found = s.AppendValue(b, p.Index)
		b = f.escape.Value(b, start, found)
	}
	return b
}
