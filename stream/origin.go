package stream

import (
	"strings"

	"weir/internal/variables"
)

// An origin records which part of a string comes from the configuration.
type origin struct {
	leading   int  // bytes at the start that a client cannot choose
	chosen    bool // a client may choose some part
	elsewhere bool // a client may choose another directory
}

// AppendPath appends the string for session s, which names a file. It reports false if a client may
// have chosen another directory: a value that does not come from the configuration contains a
// slash, or is "." or "..". A ".." cannot arise otherwise, because each of its non-literal parts is
// "." or "..".
func (t Template) AppendPath(b []byte, s *Session) (path []byte, ok bool) {
	var o origin
	b = t.appendNoting(b, s, &o)
	return b, !o.elsewhere
}

// PathIsConfigured reports whether the scheme and the directory of the string for session s, a
// scheme and a path, come from the configuration.
func (t Template) PathIsConfigured(s *Session, scheme string) bool {
	var o origin
	t.appendNoting(nil, s, &o)
	return o.leading >= len(scheme) && !o.elsewhere
}

func (t Template) appendNoting(b []byte, s *Session, o *origin) []byte {
	if !t.HasVariables() {
		return o.appendConfigured(b, t.Text())
	}
	pieces := t.Pieces()
	for i := range pieces {
		b = o.appendPiece(b, s, &pieces[i])
	}
	return b
}

func (o *origin) appendPiece(b []byte, s *Session, p *variables.Piece) []byte {
	if p.Index >= 0 && s.depth < maxDepth {
		if u := &s.Listen.Config.Vars.used[p.Index]; u.Template != nil && !u.computed {
			s.depth++
			defer func() { s.depth-- }()
			return u.Template(s).appendNoting(b, s, o)
		}
	}
	text := variables.EvalPiece(p, s)
	if s.isConfigured(p) {
		return o.appendConfigured(b, text)
	}
	o.chosen = true
	o.elsewhere = o.elsewhere || text == "." || text == ".." || strings.Contains(text, "/")
	return append(b, text...)
}

func (o *origin) appendConfigured(b []byte, text string) []byte {
	if !o.chosen {
		o.leading += len(text)
	}
	return append(b, text...)
}

// isConfigured reports whether every value of the piece comes from the configuration.
func (s *Session) isConfigured(p *variables.Piece) bool {
	return p.Index == variables.Literal || p.Index >= 0 && s.Listen.Config.Vars.used[p.Index].Configured
}
