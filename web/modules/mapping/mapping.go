// Package mapping provides variables whose values depend on other variables, through a list of texts, masks
// and regular expressions.
//
// See https://nginx.org/en/docs/http/ngx_http_map_module.html.
package mapping

import (
	"errors"
	"fmt"
	"strings"

	"weir/internal/ascii"
	"weir/internal/hostname"
	"weir/web"
)

// A Map is a map block. It is filled while compiling and immutable afterwards.
type Map struct {
	source     web.Template
	vars       *web.VarTable
	hostnames  bool
	keys       hostname.Table // the index in values
	values     []web.Template
	patterns   []rule
	fallback   web.Template
	hasDefault bool
}

// A rule is a regular expression and the value for a match.
type rule struct {
	pattern *web.Regex
	value   web.Template
}

// New returns an empty Map of the values of source.
func New(source web.Template, vars *web.VarTable) *Map { return &Map{source: source, vars: vars} }

// Hostnames allows masks in the keys that follow.
func (m *Map) Hostnames() { m.hostnames = true }

// Add maps key, as written in the block, to a value. The error is nginx's sentence.
func (m *Map) Add(key, text string) error {
	value, err := web.ParseTemplate(text, m.vars)
	if err != nil {
		return err
	}
	switch {
	case key == "default" && m.hasDefault:
		return errors.New("duplicate default map parameter")
	case key == "default":
		m.fallback, m.hasDefault = value, true
		return nil
	case strings.HasPrefix(key, "~"):
		return m.addPattern(key[1:], value)
	}
	return m.addKey(strings.TrimPrefix(key, `\`), value)
}

func (m *Map) addPattern(pattern string, value web.Template) error {
	pattern, fold := strings.CutPrefix(pattern, "*")
	re, err := m.vars.Regex(pattern, fold)
	if err == nil {
		m.patterns = append(m.patterns, rule{re, value})
	}
	return err
}

func (m *Map) addKey(key string, value web.Template) error {
	m.values = append(m.values, value)
	n := uint32(len(m.values) - 1)
	add := m.keys.AddText
	if m.hostnames {
		add = m.keys.Add
	}
	switch err := add(key, n); {
	case errors.Is(err, hostname.ErrInvalid):
		return fmt.Errorf("invalid hostname or wildcard \"%s\"", key)
	case errors.Is(err, hostname.ErrTaken):
		return fmt.Errorf("conflicting parameter \"%s\"", ascii.ToLower(key))
	default:
		return err
	}
}

// Get returns the value for a request. It is found even if it is empty by default.
func (m *Map) Get(r *web.Request) (string, bool) {
	text := m.source.Eval(r)
	if m.hostnames {
		text = strings.TrimSuffix(text, ".")
	}
	return m.find(r, text).Eval(r), true
}

// find searches in nginx's order: the exact text, the longest mask *.x, the longest mask x.*, the regular
// expressions in the order of the file. An empty text matches only itself.
func (m *Map) find(r *web.Request, text string) web.Template {
	if n, ok := m.keys.Find(text); ok {
		return m.values[n]
	}
	if text == "" {
		return m.fallback
	}
	for _, p := range m.patterns {
		if p.pattern.Match(r, text) {
			return p.value
		}
	}
	return m.fallback
}
