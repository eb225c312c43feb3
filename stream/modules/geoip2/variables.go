package geoip2

import (
	"net/netip"
	"strconv"
	"strings"

	"weir/stream"
)

// A Value is a variable that looks up an address.
type Value struct {
	Database *Database
	Path     []string         // keys and array indices
	Source   *stream.Template // evaluates to the address; nil means the client's
	Default  string           // used if nothing is found; if empty, the variable is not found either
}

// Get returns the value for session s, as ngx_stream_geoip2_variable.
func (v *Value) Get(s *stream.Session) (string, bool) {
	if ip := v.address(s); ip.IsValid() {
		if text, ok := v.Database.current.Load().find(ip, v.Path); ok {
			return text, true
		}
	}
	return v.Default, v.Default != ""
}

// address returns the address to look up; it is invalid if there is none.
func (v *Value) address(s *stream.Session) netip.Addr {
	if v.Source == nil {
		return s.Client.Addr.IP.Addr()
	}
	return stream.ParseIP(v.Source.Eval(s))
}

// Metadata returns the function of a variable about the database as a whole: build_epoch,
// last_check, last_change, all in seconds since 1970. As in the module, the name only needs this
// prefix.
func Metadata(d *Database, name string) func(*stream.Session) (string, bool) {
	return func(*stream.Session) (string, bool) {
		switch {
		case strings.HasPrefix(name, "build_epoch"):
			return strconv.FormatUint(uint64(d.current.Load().Metadata.BuildEpoch), 10), true
		case strings.HasPrefix(name, "last_check"):
			return strconv.FormatInt(d.lastCheck.Load(), 10), true
		case strings.HasPrefix(name, "last_change"):
			return strconv.FormatInt(d.lastChange.Load(), 10), true
		}
		return "", false
	}
}
