package tlsconf

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"weir/internal/ciphers"
)

// A Command is a pair of ssl_conf_command or proxy_ssl_conf_command.
type Command struct{ Name, Value string }

// badValue ends the errors that OpenSSL queues for a command.
func (c Command) badValue(before string) error {
	if before != "" {
		before += " "
	}
	return c.failed(before + fmt.Sprintf("error:0A000180:SSL routines::bad value:cmd=%s, value=%s", c.Name, c.Value))
}

func (c Command) failed(queued string) error {
	return failed(queued, "SSL_CONF_cmd(\"%s\", \"%s\") failed", c.Name, c.Value)
}

// unsupported refuses a command, and gives the reason after nginx's words.
func (c Command) unsupported(reason string) error {
	return &Error{Text: fmt.Sprintf("SSL_CONF_cmd(\"%s\", \"%s\") failed: %s", c.Name, c.Value, reason)}
}

// commands are the commands of OpenSSL by their lower-case names. Those without a function cannot be
// honoured.
var commands = map[string]func(*plan, Command) error{
	"ciphersuites": setSuites13,
	"cipherstring": setCipherString,
	"curves":       setGroups,
	"groups":       setGroups,
	"ecdhparameters": func(p *plan, c Command) error {
		if strings.Contains(c.Value, ":") {
			return c.badValue("")
		}
		return setGroups(p, c)
	},
	"minprotocol": setOldest,
	"maxprotocol": setNewest,
	"protocol":    setProtocols,
	"options":     setOptions,
	"numtickets":  setTickets,

	"signaturealgorithms": nil, "clientsignaturealgorithms": nil, "verifymode": nil, "certificate": nil, "privatekey": nil,
	"serverinfofile": nil, "chaincapath": nil, "chaincafile": nil, "chaincastore": nil, "verifycapath": nil, "verifycafile": nil,
	"verifycastore": nil, "requestcafile": nil, "clientcafile": nil, "requestcapath": nil, "clientcapath": nil,
	"requestcastore": nil, "clientcastore": nil, "dhparameters": nil, "recordpadding": nil,
}

// run applies a command. Names are compared without their case, as OpenSSL does in files.
func (p *plan) run(c Command) error {
	apply, known := commands[strings.ToLower(c.Name)]
	switch {
	case !known:
		return c.failed("error:0A000182:SSL routines::unknown cmd name:cmd=" + c.Name)
	case apply == nil:
		return c.unsupported("the command is not supported")
	}
	return apply(p, c)
}

// suites13 are the suites of TLS 1.3 that crypto/tls always offers.
var suites13 = []string{"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}

// setSuites13 accepts lists with all suites that crypto/tls has, since it offers them always.
func setSuites13(_ *plan, c Command) error {
	named := strings.Split(c.Value, ":")
	known := false
	for _, id := range []uint16{0x1301, 0x1302, 0x1303, 0x1304, 0x1305} {
		known = known || slices.Contains(named, ciphers.Name(id))
	}
	if c.Value != "" && !known {
		return c.badValue(ciphers.ErrNoMatch.Error())
	}
	for _, suite := range suites13 {
		if !slices.Contains(named, suite) {
			return c.unsupported("ciphers of TLS 1.3 cannot be switched off")
		}
	}
	return nil
}

func setCipherString(p *plan, c Command) error {
	l, err := ciphers.Parse(c.Value)
	if err != nil {
		return c.badValue(err.Error())
	}
	p.setCiphers(l)
	return nil
}

func setGroups(p *plan, c Command) error {
	queued, ok := p.setGroups(c.Value)
	if !ok {
		return c.badValue(queued)
	}
	return nil
}

func setOldest(p *plan, c Command) error {
	v, ok := version(c.Value)
	if !ok {
		return c.badValue("")
	}
	p.limit.oldest = v
	return nil
}

func setNewest(p *plan, c Command) error {
	v, ok := version(c.Value)
	if !ok {
		return c.badValue("")
	}
	if p.limit.newest = v; v == 0 {
		p.limit.newest = anyVersion.newest
	}
	return nil
}

func setProtocols(p *plan, c Command) error {
	for element := range strings.SplitSeq(c.Value, ",") {
		element = strings.TrimSpace(element)
		if strings.HasPrefix(strings.ToUpper(strings.TrimLeft(element, "+-")), "DTLS") {
			continue
		}
		changed, ok := p.protocols.toggle(element)
		if !ok {
			return c.badValue("")
		}
		p.protocols = changed
	}
	return nil
}

// options are the options of OpenSSL 3.0 by their lower-case names, with the values that crypto/tls
// can have: it always or never does what most of them mean.
var options = map[string]struct{ on, off bool }{
	"sessionticket": {true, true}, "serverpreference": {true, true}, "prioritizechacha": {true, true},
	"norenegotiation": {true, true}, "noresumptiononrenegotiation": {true, true}, "dhsingle": {true, true}, "ecdhsingle": {true, true},
	"bugs": {true, true}, "emptyfragments": {true, true}, "encryptthenmac": {true, true}, "extendedmastersecret": {on: true},
	"middleboxcompat": {true, true}, "antireplay": {true, true}, "allownodhekex": {true, true}, "ktls": {true, true},
	"canames": {on: true}, "compression": {off: true}, "unsafelegacyrenegotiation": {off: true}, "unsafelegacyserverconnect": {off: true},
}

func setOptions(p *plan, c Command) error {
	for element := range strings.SplitSeq(c.Value, ",") {
		element = strings.TrimSpace(element)
		name, off := strings.TrimPrefix(element, "+"), false
		if cut, ok := strings.CutPrefix(element, "-"); ok {
			name, off = cut, true
		}
		can, known := options[strings.ToLower(name)]
		switch {
		case !known:
			return c.badValue("")
		case off && !can.off || !off && !can.on:
			return c.unsupported(fmt.Sprintf("the option %q is not supported", element))
		case strings.EqualFold(name, "SessionTicket"):
			p.noTickets = off
		}
	}
	return nil
}

// setTickets accepts a number of tickets that is not 0; crypto/tls sends one.
func setTickets(_ *plan, c Command) error {
	digits := c.Value
	if end := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }); end > 0 {
		digits = digits[:end] // as strtoul does
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n < 0 {
		return c.badValue("")
	}
	if n == 0 {
		return c.unsupported("tickets of TLS 1.3 cannot be switched off alone")
	}
	return nil
}
