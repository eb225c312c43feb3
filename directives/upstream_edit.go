package directives

import (
	"math"
	"time"

	"weir/directives/conf"
	"weir/stream"
	"weir/stream/upstream"
)

// ParseServer reads the parameters of a request to add or to change a server, as the directive server
// reads its parameters. The error is an *upstream.EditError.
func ParseServer(v upstream.Values) (upstream.Change, error) {
	c := upstream.Change{Service: v.Service, Backup: v.Backup, Down: v.Down, Drain: v.Drain}
	if v.Service != nil && *v.Service == "" {
		return c, upstream.ErrEmptyService
	}
	if v.Server != nil {
		target, err := parseTarget(*v.Server)
		if err != nil {
			return c, upstream.ErrBadAddress(err)
		}
		c.Server = &target
	}
	return c, parseParameters(v, &c)
}

// parseParameters reads the numbers and times of v.
func parseParameters(v upstream.Values, c *upstream.Change) error {
	for _, n := range [...]struct {
		name  upstream.Parameter
		text  *string
		to    **int
		least int64
	}{
		{upstream.Weight, v.Weight, &c.Weight, 1},
		{upstream.MaxConns, v.MaxConns, &c.MaxConns, 0},
		{upstream.MaxFails, v.MaxFails, &c.MaxFails, 0},
	} {
		if n.text == nil {
			continue
		}
		number, ok := conf.ParseNumber(*n.text)
		if !ok || number < n.least || number > math.MaxInt32 {
			return upstream.ErrBadValue(n.name)
		}
		value := int(number)
		*n.to = &value
	}
	for _, s := range [...]struct {
		name  upstream.Parameter
		text  *string
		to    **upstream.Span
		parse func(string) (time.Duration, bool)
	}{
		{upstream.FailTimeout, v.FailTimeout, &c.FailTimeout, conf.ParseSec},
		{upstream.SlowStart, v.SlowStart, &c.SlowStart, conf.ParseMsec},
	} {
		if s.text == nil {
			continue
		}
		length, ok := s.parse(*s.text)
		if !ok {
			return upstream.ErrBadValue(s.name)
		}
		*s.to = &upstream.Span{Text: *s.text, Length: length}
	}
	return nil
}

// parseTarget reads the address of a server.
func parseTarget(text string) (upstream.Target, error) {
	a, err := conf.ParseUpstream(text)
	if err != nil {
		return upstream.Target{}, err
	}
	t := upstream.Target{Text: text, Host: a.Host, Port: uint16(a.Port), NoPort: a.NoPort}
	switch {
	case a.IsUnix:
		t.Addr = stream.UnixAddr(a.Host)
	case a.IP.IsValid():
		addrs, err := a.Resolve(nil)
		if err != nil {
			return t, err
		}
		t.Addr = addrs[0]
	default:
		t.IsName = true
	}
	return t, nil
}
