package proxy

import (
	"weir/stream"
	"weir/stream/proxyproto"
)

// Protocol says which PROXY header goes in front of a session.
type Protocol int

// The versions.
const (
	Off Protocol = iota
	V1
	V2
)

// headerRoom holds the longest header that is written, of version 1 between IPv6 addresses.
const headerRoom = 108

// unknownV1 is what nginx writes for a client without an IP address.
const unknownV1 = "PROXY UNKNOWN\r\n"

// header returns the session's PROXY header in a slice with room for the client's first bytes behind it.
func (p Protocol) header(s *stream.Session) []byte {
	b := make([]byte, 0, headerRoom+len(s.Head))
	client, local := s.Client.Addr, s.Client.Local
	switch {
	case p == V2:
		return proxyproto.AppendV2(b, client.IP, local.IP)
	case client.Unix:
		return append(b, unknownV1...)
	case local.Unix:
		return proxyproto.AppendV1Unix(b, client.IP, local.Path)
	}
	return proxyproto.AppendV1(b, client.IP, local.IP)
}
