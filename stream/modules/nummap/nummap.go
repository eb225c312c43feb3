// Package nummap provides variables whose values depend on numbers and ranges of numbers.
//
// See https://nginx.org/en/docs/stream/ngx_stream_num_map_module.html. The module is only in
// nginx's commercial edition; where its page is not specific, this package decides: a number takes
// precedence over the ranges that contain it, and of several ranges the first in the file counts.
package nummap

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"weir/stream"
)

// A Map is one num_map block. It must not be changed after first use.
type Map struct {
	source     stream.Template
	numbers    []span // in ascending order
	ranges     []span // in ascending order, without overlaps
	fallback   string
	hasDefault bool
}

// A span contains the numbers from first to last.
type span struct {
	first, last uint64
	value       string
}

// New returns an empty Map of source.
func New(source stream.Template) *Map { return &Map{source: source} }

// Add maps a key, "80", "8080-8090", "<=1023" or "default", to a value.
func (m *Map) Add(key, value string) error {
	value = strings.Clone(value)
	if key == "default" {
		if m.hasDefault {
			return fmt.Errorf("duplicate default num_map parameter")
		}
		m.fallback, m.hasDefault = value, true
		return nil
	}
	first, last, ok := parseKey(key)
	if !ok {
		return fmt.Errorf("invalid number or range \"%s\"", key)
	}
	if first < last || strings.ContainsAny(key, "-<") {
		m.addRange(span{first, last, value})
		return nil
	}
	i, found := search(m.numbers, first)
	if found {
		return fmt.Errorf("conflicting parameter \"%s\"", key)
	}
	m.numbers = slices.Insert(m.numbers, i, span{first, last, value})
	return nil
}

func parseKey(key string) (first, last uint64, ok bool) {
	if most, found := strings.CutPrefix(key, "<="); found {
		last, ok = parseNumber(most)
		return 0, last, ok
	}
	least, most, isRange := strings.Cut(key, "-")
	if !isRange {
		most = least
	}
	first, ok = parseNumber(least)
	last, okLast := parseNumber(most)
	return first, last, ok && okLast && first <= last
}

// parseNumber parses only decimal digits, as ngx_atoi.
func parseNumber(text string) (uint64, bool) {
	if text == "" || text[0] < '0' || text[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 10, 63)
	return n, err == nil
}

// addRange adds the numbers of s that no earlier range contains.
func (m *Map) addRange(s span) {
	i, _ := search(m.ranges, s.first)
	var free []span
	next, j := s.first, i
	for ; j < len(m.ranges) && m.ranges[j].first <= s.last; j++ {
		r := m.ranges[j]
		if next < r.first {
			free = append(free, span{next, r.first - 1, s.value})
		}
		free = append(free, r)
		next = r.last + 1 // no overflow: numbers have 63 bits
	}
	if next <= s.last {
		free = append(free, span{next, s.last, s.value})
	}
	m.ranges = slices.Replace(m.ranges, i, j, free...)
}

// search returns the index of the span that contains n, or of the first span after n.
func search(spans []span, n uint64) (int, bool) {
	i, _ := slices.BinarySearchFunc(spans, n, func(s span, n uint64) int { return cmp.Compare(s.last, n) })
	return i, i < len(spans) && spans[i].first <= n
}

// notNumber is a number that no key contains.
const notNumber = math.MaxUint64

// Get returns the value for session s. It is found even if it is empty by default. Only the source
// may allocate.
func (m *Map) Get(s *stream.Session) (string, bool) {
	return m.value(m.source.Eval(s)), true
}

func (m *Map) value(text string) string {
	n := number(text)
	if i, found := search(m.numbers, n); found {
		return m.numbers[i].value
	}
	if i, found := search(m.ranges, n); found {
		return m.ranges[i].value
	}
	return m.fallback
}

// number returns text as a number. Unlike parseNumber it creates no error value, because it runs
// for every client.
func number(text string) uint64 {
	var n uint64
	for i := range len(text) {
		c := text[i]
		if c < '0' || c > '9' || n > (math.MaxInt64-uint64(c-'0'))/10 {
			return notNumber
		}
		n = n*10 + uint64(c-'0')
	}
	if text == "" {
		return notNumber
	}
	return n
}
