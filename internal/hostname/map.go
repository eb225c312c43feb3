package hostname

// A Map maps host names to values: by names and wildcards, and by regular expressions of type R. It is filled
// while compiling and read-only afterwards. The zero Map is empty.
type Map[V comparable, R any] struct {
	table    Table // the index in values
	values   []V
	patterns []patternValue[V, R]
}

type patternValue[V, R any] struct {
	pattern *R
	value   V
}

// Add maps a name or wildcard to a value. The error is that of Table: an existing name keeps its value.
func (m *Map[V, R]) Add(name string, v V) error {
	if last := len(m.values) - 1; last < 0 || m.values[last] != v {
		m.values = append(m.values, v)
	}
	return m.table.Add(name, uint32(len(m.values)-1))
}

// AddPattern maps the names that re matches to a value. Patterns are tried in the order in which they were
// added.
func (m *Map[V, R]) AddPattern(re *R, v V) {
	m.patterns = append(m.patterns, patternValue[V, R]{re, v})
}

// Find returns the value of a normalized name: by the table of names, otherwise by the first pattern for which
// matches returns true. It returns the zero value if there is none.
func (m *Map[V, R]) Find(name string, matches func(*R) bool) (v V) {
	if i, ok := m.table.Find(name); ok {
		return m.values[i]
	}
	for _, p := range m.patterns {
		if matches(p.pattern) {
			return p.value
		}
	}
	return v
}
