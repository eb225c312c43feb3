package getaddrinfo

import "strings"

// A source is one word of the hosts line of nsswitch.conf, with the statuses after which no other source is asked.
type source struct {
	name  string
	stops [statuses]bool
}

// defaultSources are used without a hosts line.
const defaultSources = "files dns"

// sources returns the sources in the hosts line of nsswitch.conf; of several lines, the last
// counts.
func (s *system) sources() []source {
	found, _ := parseSources(defaultSources)
	text, err := s.read("nsswitch.conf")
	if err != nil {
		return found
	}
	for line := range strings.Lines(text) {
		name, rest, ok := cutDatabase(line)
		if !ok || name != "hosts" {
			continue
		}
		sources, ok := parseSources(rest)
		if !ok {
			break // the C library ignores a file with such a line
		}
		found = sources
	}
	return found
}

// cutDatabase splits a line "NAME: WORDS". Only a whole line can be a comment; its name then
// matches no database.
func cutDatabase(line string) (name, rest string, ok bool) {
	line = strings.TrimLeft(line, spaces)
	end := strings.IndexAny(line, ":"+spaces)
	if end <= 0 {
		return "", "", false
	}
	return line[:end], strings.TrimLeft(line[end:], ":"+spaces), true
}

// spaces are the characters that separate words, as isspace.
const spaces = " \t\n\v\f\r"

// parseSources reads `SOURCE [STATUS=ACTION …] …`.
func parseSources(text string) ([]source, bool) {
	var all []source
	for {
		text = strings.TrimLeft(text, spaces)
		end := strings.IndexAny(text+" ", "["+spaces)
		if end == 0 {
			return all, true
		}
		one := source{name: text[:end]}
		one.stops[success] = true
		text = strings.TrimLeft(text[end:], spaces)
		if strings.HasPrefix(text, "[") {
			criteria, rest, closed := strings.Cut(text[1:], "]")
			if !closed || !one.apply(criteria) {
				return nil, false
			}
			text = rest
		}
		all = append(all, one)
	}
}

// apply applies criteria such as "NOTFOUND=return !UNAVAIL = continue".
func (s *source) apply(criteria string) bool {
	criteria = strings.Trim(criteria, spaces)
	for criteria != "" {
		condition, rest, ok := strings.Cut(criteria, "=")
		if !ok {
			return false
		}
		rest = strings.TrimLeft(rest, spaces)
		end := strings.IndexAny(rest+" ", "="+spaces)
		stops, known := actions[strings.ToLower(rest[:end])]
		condition, not := strings.CutPrefix(strings.TrimRight(condition, spaces), "!")
		status, ok := statusNames[strings.ToLower(condition)]
		if !known || !ok {
			return false
		}
		if not {
			before := s.stops[status]
			for i := range s.stops {
				s.stops[i] = stops
			}
			stops = before
		}
		s.stops[status] = stops
		criteria = strings.TrimLeft(rest[end:], spaces)
	}
	return true
}

var statusNames = map[string]status{"success": success, "notfound": notFound, "unavail": unavailable, "tryagain": tryAgain}

// actions maps each action to whether it ends the lookup. The hosts database does not support
// merge.
var actions = map[string]bool{"return": true, "continue": false, "merge": true}
