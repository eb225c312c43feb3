package mapping

import (
	"math"
	"strings"

	"weir/stream"
)

// A value is the number of a value of a Map. A value that contains variables has the bit
// withVariables.
type value uint32

const (
	withVariables value = 1 << 31
	noValue       value = math.MaxUint32 // the empty string
)

// values contains the distinct values of a Map; those without variables are concatenated in one
// string.
type values struct {
	text      string
	ends      []uint32
	templates []stream.Template
}

// eval returns the value for session s.
func (v *values) eval(n value, s *stream.Session) string {
	switch {
	case n == noValue:
		return ""
	case n&withVariables != 0:
		return v.templates[n&^withVariables].Eval(s)
	case n == 0:
		return v.text[:v.ends[0]]
	}
	return v.text[v.ends[n-1]:v.ends[n]]
}

// A valueSet collects distinct values.
type valueSet struct {
	text      strings.Builder
	ends      []uint32
	templates []stream.Template
	known     map[string]value
}

// add returns the number of the value of text. The error is nginx's sentence.
func (s *valueSet) add(text string, vars *stream.VarTable) (value, error) {
	if n, ok := s.known[text]; ok {
		return n, nil
	}
	n, err := s.addNew(text, vars)
	if err != nil {
		return 0, err
	}
	if s.known == nil {
		s.known = map[string]value{}
	}
	s.known[text] = n
	return n, nil
}

func (s *valueSet) addNew(text string, vars *stream.VarTable) (value, error) {
	if strings.IndexByte(text, '$') >= 0 {
		t, err := stream.ParseTemplate(text, vars)
		s.templates = append(s.templates, t)
		return withVariables | value(len(s.templates)-1), err
	}
	if uint64(s.text.Len())+uint64(len(text)) > math.MaxUint32 {
		return 0, errTooLarge
	}
	s.text.WriteString(text)
	s.ends = append(s.ends, uint32(s.text.Len()))
	return value(len(s.ends) - 1), nil
}

// values returns the collected values, in memory of exactly the needed size.
func (s *valueSet) values() values {
	ends := append(make([]uint32, 0, len(s.ends)), s.ends...)
	return values{strings.Clone(s.text.String()), ends, s.templates}
}
