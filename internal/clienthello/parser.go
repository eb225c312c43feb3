// Package clienthello reads the ClientHello with which a TLS client begins, from the bytes received
// so far: the highest protocol version, the server name and the ALPN protocols.
//
// Section numbers in comments refer to RFC 8446 (TLS 1.3) unless they name another RFC.
package clienthello

// State is the progress of parsing.
type State uint8

// The states. All except More are final.
const (
	More     State = iota // the bytes may be the beginning of a ClientHello; more are needed
	Done                  // the ClientHello has been read
	Version2              // a ClientHello in the format of SSL 2.0, of which only the version is read
	Declined              // the bytes are not the beginning of a ClientHello that this package can parse
)

// The bytes before each TLS record, 5.1: the type, the version and the length.
const (
	recordHeader    = 5
	recordHandshake = 22
	recordMajor     = 3 // of every version since SSL 3.0
)

// A Parser parses the ClientHello of one connection as its bytes arrive. It keeps the places of
// the values instead of the bytes, so that its size is constant, and it can be copied. The zero
// Parser is ready for use.
type Parser struct {
	place           // of the next byte of the message
	field   field   // the field that is being read
	into    storage // where the bytes of field are stored
	size    int     // of a field that is skipped
	missing int     // how many bytes of field have not been read
	left    int     // how many bytes of the message have not been read
	list    int     // how many bytes of the list of names or protocols have not been read
	digits  uint32  // the value of a field of one to four bytes
	version Version

	name          place // of the server name
	nameSize      int   // 0 until all of it has been read
	hasName       bool
	hasProtocols  bool
	moreProtocols bool  // the list continues after those that have been read
	protocols     place // of the first protocol of the list
	protocolsSize int   // of the protocols that have been read, with their lengths
}

// Parse continues with head, which contains all bytes since the beginning of the connection: those
// of the last call, and more. Bytes after the ClientHello are ignored. Parse must not be called
// after it has returned a final state.
//
// It reads whole records, and waits for 5 bytes in any case. The message may be spread over several
// records, and is declined at the first record that shows an error. The length of the message limits
// its fields; the lengths of the list of extensions, and of an extension whose content is read, are
// ignored. A later extension of the same type is ignored, except for the versions.
//
// This follows ngx_stream_ssl_preread_handler.
func (p *Parser) Parse(head []byte) State {
	for len(head)-p.end >= recordHeader {
		b := head[p.end:]
		if isVersion2(b) {
			p.version = Version{b[3], b[4]}
			return Version2
		}
		if b[0] != recordHandshake || b[1] != recordMajor {
			return Declined
		}
		next := p.place
		next.enterRecord(head)
		if next.end > len(head) {
			return More
		}
		p.place = next
		if state := p.parseRecord(head); state != More {
			return state
		}
	}
	return More
}

// isVersion2 reports whether b begins with a ClientHello of SSL 2.0, or with one in its format that
// asks for a later version, RFC 5246, E.2: a length with its highest bit set, the type of the
// message, the version.
func isVersion2(b []byte) bool {
	return b[0]&0x80 != 0 && b[2] == typeClientHello && (b[3] == 0 || b[3] == recordMajor)
}

// Begun reports whether a record has been parsed, so that the Parser is needed for the rest.
func (p *Parser) Begun() bool { return p.end > 0 }

// Version returns the highest version that the client supports, as far as it is known.
func (p *Parser) Version() Version { return p.version }

// AppendServerName appends the server name that the client requests, which may have any content. It
// appends nothing if there is none, or not yet. head contains the bytes of the last call of Parse.
func (p *Parser) AppendServerName(dst, head []byte) []byte {
	at := p.name
	return at.append(dst, head, p.nameSize)
}

// AppendProtocols appends the names of the ALPN protocols, with a comma between them. It appends
// nothing if there are none, and a list that ends with a comma if more are to come. head contains
// the bytes of the last call of Parse.
func (p *Parser) AppendProtocols(dst, head []byte) []byte {
	at := p.protocols
	for left := p.protocolsSize; left > 0; {
		size := int(at.take(head, 1)[0])
		dst = at.append(dst, head, size)
		left -= 1 + size
		if left > 0 || p.moreProtocols {
			dst = append(dst, ',')
		}
	}
	return dst
}
