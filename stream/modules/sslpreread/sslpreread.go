// Package sslpreread reads the server name, the ALPN protocols and the protocol version from the
// ClientHello that a TLS client sends first.
//
// See https://nginx.org/en/docs/stream/ngx_stream_ssl_preread_module.html.
package sslpreread

import (
	"weir/internal/clienthello"
	"weir/stream"
)

// Handler reads the ClientHello in the preread phase, and continues with the server of the requested
// name. Other protocols are passed on, with all variables not found.
type Handler struct{}

// hello is the data of the ClientHello that the session keeps.
type hello struct {
	text     string // the server name, followed by the protocols
	nameSize int32
	version  clienthello.Version
	parser   *clienthello.Parser // has read the first records; nil if there are none, or if all have been read
}

// beginning is the hello of a session until its first record is complete.
var beginning = &hello{}

// hellos contains nil for a session that has turned out not to begin with a ClientHello.
var hellos = stream.NewKey[*hello]()

// Handle decodes the bytes received. It follows ngx_stream_ssl_preread_handler: the variables are
// empty, and found, as soon as there are bytes that may be a ClientHello.
func (Handler) Handle(s *stream.Session) (stream.Verdict, error) {
	if len(s.Head) == 0 {
		return stream.More, nil
	}
	h, found := hellos.Get(s)
	if found && h.parser != nil {
		return decide(s, h.parser, h.parser.Parse(s.Head)), nil
	}
	var p clienthello.Parser
	state := p.Parse(s.Head)
	if state == clienthello.More {
		keepBeginning(s, p)
	}
	return decide(s, &p, state), nil
}

// keepBeginning keeps the parser of an incomplete ClientHello.
func keepBeginning(s *stream.Session, p clienthello.Parser) {
	if !p.Begun() {
		hellos.Set(s, beginning)
		return
	}
	kept := p
	hellos.Set(s, &hello{parser: &kept})
}

// decide returns the verdict for the state of the parser.
func decide(s *stream.Session, p *clienthello.Parser, state clienthello.State) stream.Verdict {
	switch state {
	case clienthello.More:
		return stream.More
	case clienthello.Declined:
		forget(s)
		return stream.Next
	}
	h := read(s, p)
	hellos.Set(s, h)
	if state == clienthello.Done && h.nameSize > 0 {
		s.SelectServer(h.text[:h.nameSize])
	}
	return stream.Done
}

// read returns the values of the parser.
func read(s *stream.Session, p *clienthello.Parser) *hello {
	var room [256]byte // for a host name of the maximum length and "mqtt"
	text := p.AppendServerName(room[:0], s.Head)
	nameSize := int32(len(text))
	text = p.AppendProtocols(text, s.Head)
	return &hello{text: string(text), nameSize: nameSize, version: p.Version()}
}

func forget(s *stream.Session) {
	if _, found := hellos.Get(s); found {
		hellos.Set(s, nil)
	}
}

// Variables returns the variables of the module.
func Variables() []stream.Variable {
	return []stream.Variable{
		variable("ssl_preread_alpn_protocols", func(h *hello) string { return h.text[h.nameSize:] }),
		variable("ssl_preread_protocol", func(h *hello) string { return h.version.String() }),
		variable("ssl_preread_server_name", func(h *hello) string { return h.text[:h.nameSize] }),
	}
}

func variable(name string, value func(*hello) string) stream.Variable {
	return stream.Variable{Name: name, Fixed: true, Preread: true, Get: func(s *stream.Session) (string, bool) {
		h, _ := hellos.Get(s)
		if h == nil {
			return "", false
		}
		if h.parser != nil { // the session ends before the end of the ClientHello
			h = read(s, h.parser)
		}
		return value(h), true
	}}
}
