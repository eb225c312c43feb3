package nginx

import (
	"fmt"
	"strconv"
	"strings"
)

// A Version is an nginx version: major, minor, patch. The zero value is older than any.
type Version [3]int

// ParseVersion parses "1.25.5".
func ParseVersion(text string) (Version, error) {
	var v Version
	parts := strings.Split(text, ".")
	if len(parts) != len(v) {
		return Version{}, fmt.Errorf("got version %q, want three numbers", text)
	}
	for i, part := range parts {
		n, err := strconv.Atoi(part)
		if err != nil {
			return Version{}, fmt.Errorf("got version %q, want three numbers", text)
		}
		v[i] = n
	}
	return v, nil
}

// Before reports whether v is older than w.
func (v Version) Before(w Version) bool {
	for i := range v {
		if v[i] != w[i] {
			return v[i] < w[i]
		}
	}
	return false
}

func (v Version) String() string { return fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2]) }
