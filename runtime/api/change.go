package api

import (
	"encoding/json"
	"math"
	"time"

	"weir/directives/conf"
)

// A parameter is a member of the body of a request that adds or changes a server.
type parameter struct {
	since int // version; 0 means all
	http  bool
	set   setter
}

// A setter sets a member of a change from the value of a request.
type setter func(c *ServerChange, name string, value any) *Error

// parameters are the members by name. Those of http alone are checked only, because there are no groups
// of http. NGINX Plus has drain in http alone.
var parameters = map[string]parameter{
	"server":       {set: textParameter("", func(c *ServerChange) **string { return &c.Address }, nil)},
	"service":      {set: textParameter("UpstreamBadService", func(c *ServerChange) **string { return &c.Service }, isGiven)},
	"weight":       {set: numberParameter("UpstreamBadWeight", 1, func(c *ServerChange) **int { return &c.Weight })},
	"max_conns":    {set: numberParameter("UpstreamBadMaxConns", 0, func(c *ServerChange) **int { return &c.MaxConns })},
	"max_fails":    {set: numberParameter("UpstreamBadMaxFails", 0, func(c *ServerChange) **int { return &c.MaxFails })},
	"fail_timeout": {set: textParameter("UpstreamBadFailTimeout", failTimeout, isSeconds)},
	"slow_start":   {set: textParameter("UpstreamBadSlowStart", slowStart, isMillis)},
	"backup":       {set: flagParameter(func(c *ServerChange) **bool { return &c.Backup })},
	"down":         {set: flagParameter(func(c *ServerChange) **bool { return &c.Down })},
	"route":        {http: true, set: textParameter("UpstreamBadRoute", unused[string], isRoute)},
	"drain":        {since: 2, set: flagParameter(func(c *ServerChange) **bool { return &c.Drain })},
}

func failTimeout(c *ServerChange) **string { return &c.FailTimeout }

func slowStart(c *ServerChange) **string { return &c.SlowStart }

// unused is the target of a parameter that no group has.
func unused[T any](*ServerChange) **T { return new(*T) }

// parseChange returns the change that a body describes, or the error of the first wrong member.
func parseChange(body []byte, version int, http bool) (ServerChange, *Error) {
	return parseMembers(body, version, parameters, http)
}

// parseMembers is parseChange with other members.
func parseMembers(body []byte, version int, allowed map[string]parameter, http bool) (c ServerChange, err *Error) {
	items, err := parseBody(body)
	if err != nil {
		return c, err
	}
	if name, twice := duplicate(items); twice {
		return c, badFormat("duplicate parameter \"%s\"", name)
	}
	for _, i := range items {
		p, known := allowed[i.name]
		if !known || p.http && !http || version < p.since {
			return c, badFormat("unknown parameter \"%s\"", i.name)
		}
		if i.nested {
			return c, badFormat("nested object or list")
		}
		if err := p.set(&c, i.name, i.value); err != nil {
			return c, err
		}
	}
	return c, nil
}

func badFormat(format string, args ...any) *Error {
	return BadRequest("UpstreamConfFormatError", format, args...)
}

// badValue returns the error for a value of a wrong type.
func badValue(name string) *Error { return badFormat("invalid \"%s\" value", name) }

// textParameter sets a string. A number counts as its text, except for the address. code is the error
// for a text that is not valid.
func textParameter(code string, target func(*ServerChange) **string, valid func(string) bool) setter {
	return func(c *ServerChange, name string, value any) *Error {
		text, ok := value.(string)
		if n, isNumber := value.(json.Number); isNumber && code != "" {
			text, ok = n.String(), true
		}
		switch {
		case !ok:
			return badValue(name)
		case valid == nil || valid(text):
			*target(c) = &text
			return nil
		case text == "":
			return BadRequest(code, "\"%s\" is empty", name)
		}
		return BadRequest(code, "invalid \"%s\"", name)
	}
}

// numberParameter sets a number that is at least the given one. A string counts as the number in it.
func numberParameter(code string, least int64, target func(*ServerChange) **int) setter {
	return func(c *ServerChange, name string, value any) *Error {
		var text string
		switch v := value.(type) {
		case json.Number:
			text = v.String()
		case string:
			text = v
		default:
			return badValue(name)
		}
		given, ok := conf.ParseNumber(text)
		if !ok || given < least || given > math.MaxInt32 {
			return BadRequest(code, "invalid \"%s\"", name)
		}
		n := int(given)
		*target(c) = &n
		return nil
	}
}

// flagParameter sets a boolean, which may be the text of one.
func flagParameter(target func(*ServerChange) **bool) setter {
	return func(c *ServerChange, name string, value any) *Error {
		var on bool
		switch value {
		case true, "true":
			on = true
		case false, "false":
		default:
			return badValue(name)
		}
		*target(c) = &on
		return nil
	}
}

func isGiven(text string) bool { return text != "" }

// isRoute reports whether a route is no longer than the 32 bytes that nginx allows.
func isRoute(text string) bool { return len(text) <= 32 }

func isSeconds(text string) bool {
	_, ok := conf.ParseSec(text)
	return ok
}

func isMillis(text string) bool {
	_, ok := conf.ParseMsec(text)
	return ok
}

// wholeSeconds returns the number of seconds of a valid time.
func wholeSeconds(text string) int64 {
	d, ok := conf.ParseSec(text)
	if !ok {
		d, _ = conf.ParseMsec(text)
	}
	return int64(d / time.Second)
}
