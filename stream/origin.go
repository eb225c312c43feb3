package stream

import "strings"

// An origin says how much of a string is written in the configuration.
type origin struct {
	leading   int  // bytes at the beginning that no client has chosen
	chosen    bool // a client may have chosen something
	elsewhere bool // a client may have chosen another directory
}

// AppendPath appends the string for session s, which is to name a file. It reports false when a client may have chosen another
// directory: a value that is not written in the configuration has a slash, or is "." or "..". A ".." cannot be made of anything else, since
// each part of it that is not literal is one of these two.
func (t Template) AppendPath(b []byte, s *Session) (path []byte, ok bool) {
	var o origin
	b = t.appendNoting(b, s, &o)
	return b, !o.elsewhere
}

// PathIsConfigured reports whether the string for session s, which is a scheme and a path, has the scheme and the directory from the
// configuration.
func (t Template) PathIsConfigured(s *Session, scheme string) bool {
	var o origin
	t.appendNoting(nil, s, &o)
	return o.leading >= len(scheme) && !o.elsewhere
}

// Plain returns the template that is text.
func Plain(text string) Template { return Template{text: text} }

func (t Template) appendNoting(b []byte, s *Session, o *origin) []byte {
	if t.pieces == nil {
		return o.appendConfigured(b, t.text)
	}
	for i := range t.pieces {
		b = t.pieces[i].appendNoting(b, s, o)
	}
	return b
}

func (p *piece) appendNoting(b []byte, s *Session, o *origin) []byte {
	if p.index >= 0 && s.depth < maxDepth {
		if u := &s.Listen.Config.Vars.used[p.index]; u.Template != nil && !u.computed {
			s.depth++
			defer func() { s.depth-- }()
			return u.Template(s).appendNoting(b, s, o)
		}
	}
	text := p.eval(s)
	if p.configured(s) {
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

// configured reports whether all that the piece can be is written in the configuration.
func (p *piece) configured(s *Session) bool {
	return p.index == noVariable || p.index >= 0 && s.Listen.Config.Vars.used[p.index].Configured
}
