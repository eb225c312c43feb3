package web

import (
	"cmp"
	"slices"
	"strings"
)

// Kind is the kind of a location.
type Kind uint8

// The kinds of locations. Block is a block without a name, such as if.
const (
	Block          Kind = iota
	Exact               // = /path
	Prefix              // /path
	DecisivePrefix      // ^~ /path: patterns are not tried
	Matching            // ~ pattern
	Named               // @name
)

// Locations are the locations of a server, or those inside a location.
type Locations struct {
	exact    map[string]*Location
	prefixes []*Location // the longest first
	patterns []*Location // in the order of the file
}

// NewLocations returns the locations in all, which are in the order of the file.
func NewLocations(all []*Location) *Locations {
	l := &Locations{exact: map[string]*Location{}}
	for _, at := range all {
		switch at.Kind {
		case Exact:
			l.exact[at.Name] = at
		case Prefix, DecisivePrefix:
			l.prefixes = append(l.prefixes, at)
		case Matching:
			l.patterns = append(l.patterns, at)
		}
	}
	slices.SortStableFunc(l.prefixes, func(a, b *Location) int { return cmp.Compare(len(b.Name), len(a.Name)) })
	return l
}

// find returns the location of the request's URI, or outer if none of l matches; final means that patterns
// further outside do not apply. It follows ngx_http_core_find_location.
func (l *Locations) find(r *Request, outer *Location) (found *Location, final bool) {
	if l == nil {
		return outer, false
	}
	if at := l.exact[r.URI]; at != nil {
		return at, true
	}
	found = outer
	decisive := false
	if at := l.prefixOf(r.URI); at != nil {
		decisive = at.Kind == DecisivePrefix
		if found, final = at.Inner.find(r, at); final {
			return found, true
		}
	}
	if decisive {
		return found, false
	}
	for _, at := range l.patterns {
		if at.Pattern.Match(r, r.URI) {
			found, _ = at.Inner.find(r, at)
			return found, true
		}
	}
	return found, false
}

func (l *Locations) prefixOf(uri string) *Location {
	for _, at := range l.prefixes {
		if strings.HasPrefix(uri, at.Name) {
			return at
		}
	}
	return nil
}
