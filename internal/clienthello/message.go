package clienthello

// typeClientHello is the type of the message, 4.
const typeClientHello = 1

// The extensions that are read, 4.2.
const (
	extensionServerName        = 0  // RFC 6066, 3
	extensionProtocols         = 16 // RFC 7301, 3.1
	extensionSupportedVersions = 43 // 4.2.1
)

// A field is a part of the message, 4.1.2. The constants are in the order of the message.
type field uint8

const (
	beginning field = iota // of the first record
	messageHeader
	legacyVersion
	random
	sessionIDLength
	sessionID
	cipherSuitesLength
	cipherSuites
	compressionLength
	compression
	extensionsLength
	extensionHeader
	extensionContent // of any other type, or the rest of one that has been read
	nameListLength
	nameHeader
	name
	protocolListLength
	protocolLength
	protocol
	versionsLength
)

// storage is the place for the bytes of a field.
type storage uint8

const (
	discard storage = iota
	toDigits
	toVersion
)

// parseRecord reads the next part of the message, the content of the record at p.place.
func (p *Parser) parseRecord(head []byte) State {
	for {
		n := min(p.end-p.pos, p.missing)
		p.store(head[p.pos : p.pos+n])
		p.pos += n
		p.missing -= n
		p.left -= n
		if p.missing > 0 {
			return More
		}
		if state := p.advance(); state != More {
			return state
		}
		if p.missing > p.left {
			return Declined
		}
	}
}

func (p *Parser) store(b []byte) {
	switch p.into {
	case toDigits:
		for _, c := range b {
			p.digits = p.digits<<8 | uint32(c)
		}
	case toVersion:
		copy(p.version[len(p.version)-p.missing:], b)
	}
}

// skip makes a field of n bytes the next one, and ignores its content.
func (p *Parser) skip(f field, n int) { p.field, p.into, p.missing, p.size = f, discard, n, n }

// number makes a field of n bytes, at most 4, the next one, and reads it as a number.
func (p *Parser) number(f field, n int) { p.field, p.into, p.missing, p.digits = f, toDigits, n, 0 }

// advance evaluates the field that has been read and chooses the next one.
func (p *Parser) advance() State {
	switch p.field {
	case beginning:
		p.left = 4
		p.number(messageHeader, 4)
	case messageHeader:
		if p.digits>>24 != typeClientHello {
			return Declined
		}
		p.left = int(p.digits & 0xffffff)
		p.field, p.into, p.missing = legacyVersion, toVersion, len(p.version)
	case legacyVersion:
		p.skip(random, 32)
	case random:
		p.number(sessionIDLength, 1)
	case sessionIDLength:
		p.skip(sessionID, int(p.digits))
	case sessionID:
		p.number(cipherSuitesLength, 2)
	case cipherSuitesLength:
		p.skip(cipherSuites, int(p.digits))
	case cipherSuites:
		p.number(compressionLength, 1)
	case compressionLength:
		p.skip(compression, int(p.digits))
	case compression:
		if p.left == 0 {
			return Done // without extensions, as before TLS 1.3
		}
		p.number(extensionsLength, 2)
	case extensionsLength, extensionContent:
		if p.left == 0 {
			return Done
		}
		p.number(extensionHeader, 4)
	case extensionHeader:
		p.beginExtension(p.digits>>16, int(p.digits&0xffff))
	default:
		return p.advanceInExtension()
	}
	return More
}

func (p *Parser) beginExtension(kind uint32, size int) {
	switch {
	case kind == extensionServerName && !p.hasName:
		p.number(nameListLength, 2)
	case kind == extensionProtocols && !p.hasProtocols:
		p.number(protocolListLength, 2)
	case kind == extensionSupportedVersions:
		p.number(versionsLength, 1)
	default:
		p.skip(extensionContent, size)
	}
}

// advanceInExtension is advance for the fields of an extension that is read.
func (p *Parser) advanceInExtension() State {
	switch p.field {
	case nameListLength:
		p.list = int(p.digits)
		p.number(nameHeader, 3)
	case nameHeader:
		return p.beginName(p.digits>>16, int(p.digits&0xffff))
	case name:
		p.nameSize = p.size
		p.skip(extensionContent, p.list)
	case protocolListLength:
		p.list = int(p.digits)
		p.hasProtocols = true
		p.protocols = p.place
		p.number(protocolLength, 1)
	case protocolLength:
		return p.beginProtocol(int(p.digits))
	case protocol:
		p.endProtocol()
	case versionsLength:
		p.version = version13
		p.skip(extensionContent, int(p.digits))
	}
	return More
}

// beginName continues with the first name of the list. The only type that exists is host_name, 0.
func (p *Parser) beginName(kind uint32, size int) State {
	if kind != 0 || 3+size > p.list {
		return Declined
	}
	p.list -= 3 + size
	p.hasName = true
	p.name = p.place
	p.skip(name, size)
	return More
}

func (p *Parser) beginProtocol(size int) State {
	if size == 0 || 1+size > p.list {
		return Declined
	}
	p.list -= 1 + size
	p.skip(protocol, size)
	return More
}

// endProtocol continues with the next protocol of the list, if there is one.
func (p *Parser) endProtocol() {
	p.protocolsSize += 1 + p.size
	p.moreProtocols = p.list > 0
	if p.moreProtocols {
		p.number(protocolLength, 1)
	} else {
		p.skip(extensionContent, 0)
	}
}
