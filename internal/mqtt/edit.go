package mqtt

import (
	"encoding/binary"
	"errors"
	"strings"
	"unicode/utf8"
)

// A Packet is a CONNECT in parts. Its slices are parts of the bytes given to Split.
type Packet struct {
	// State is More until the whole packet has arrived. Declined means that the bytes are not the
	// beginning of a CONNECT, or that its fields do not fill exactly its length.
	State    State
	Size     int    // the length of the packet with its fixed header; 0 while unknown or Declined
	Version  byte   // 3, 4 or 5
	ClientID []byte // never nil once State is Done
	Username []byte // nil if the packet has none
	Password []byte // nil if the packet has none

	variable []byte // the variable header, 3.1.2
	flagsAt  int    // the index of the connect flags in variable
	will     []byte // its properties, topic and message
}

// Split decodes the CONNECT at the start of b; bytes after the packet are ignored. It may be called
// repeatedly as bytes arrive, allocates nothing, and skips fields without reading them. Unlike
// Parse it accepts the level of bridges.
//
// The flags of the will and the content of properties are left to the broker.
func Split(b []byte) Packet {
	r := reader{b: b, end: maxHeader, state: Done, bridges: true}
	var c Connect
	r.fixedHeader(&c)
	start := r.off
	flags := r.variableHeader(&c)
	variableEnd := r.off
	p := Packet{Version: c.Version, ClientID: r.field()}
	willStart := r.off
	r.will(p.Version, flags)
	willEnd := r.off
	if flags&flagUsername != 0 {
		p.Username = r.optional(p.Version)
	}
	if flags&flagPassword != 0 {
		p.Password = r.optional(p.Version)
	}
	if r.state == Done && r.off != r.end {
		r.decline()
	}
	if r.state == Declined {
		return Packet{State: Declined}
	}
	if r.state == More || c.Size > len(b) {
		return Packet{State: More, Size: c.Size}
	}
	p.State, p.Size = Done, c.Size
	p.variable, p.will = b[start:variableEnd], b[willStart:willEnd]
	p.flagsAt = flagsAt(p.variable)
	return p
}

// flagsAt returns the index of the connect flags in a variable header: they follow the protocol
// name, which has a length of two bytes, and the level.
func flagsAt(variable []byte) int { return 2 + int(binary.BigEndian.Uint16(variable)) + 1 }

// A Field is a new value for a field of the payload. The zero Field keeps the field as it is.
type Field struct {
	Set  bool
	Text string // empty removes a user name or a password
}

// Fields are the new values for a packet.
type Fields struct{ ClientID, Username, Password Field }

// The errors of CheckText and CheckData.
var (
	ErrLong = errors.New("longer than 65535 bytes")
	ErrText = errors.New("not UTF-8 without NUL")
)

// CheckText reports why text cannot be a client identifier or user name: the length of a string has
// two bytes, and it is UTF-8 without the character U+0000, 1.5.3 (5.0: 1.5.4).
func CheckText(text string) error {
	if !utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0 {
		return ErrText
	}
	return CheckData(text)
}

// CheckData reports why data cannot be a password, which may have any bytes, 3.1.3.5 (5.0:
// 3.1.3.6).
func CheckData(data string) error {
	if len(data) > 0xffff {
		return ErrLong
	}
	return nil
}

// MaxSize is the length of the longest packet: a remaining length has at most 28 bits.
const MaxSize = maxHeader + 1<<28 - 1

// An Edit is a packet with new values, ready to be encoded.
type Edit struct {
	packet                       *Packet
	flags                        byte
	clientID, username, password value
}

// A value is a field to be encoded: the bytes received, or the text that replaces them.
type value struct {
	present bool
	kept    []byte
	text    string
}

func (v value) size() int {
	if !v.present {
		return 0
	}
	return 2 + len(v.kept) + len(v.text)
}

// appendTo appends the field with its length, if it is present.
func (v value) appendTo(dst []byte) []byte {
	if !v.present {
		return dst
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(v.kept)+len(v.text)))
	return append(append(dst, v.kept...), v.text...)
}

// Edit replaces fields of a packet whose State is Done. The values must be valid, as CheckText and
// CheckData report. Everything else, including the will and all properties, stays byte for byte; a
// remaining length that has more bytes than it needs is shortened.
//
// MQTT 3.1 and 3.1.1 allow a password only after a user name, 3.1.2.9. So a new password is left out
// of a packet without a user name, and a user name that is removed takes its password with it.
func (p *Packet) Edit(f Fields) Edit {
	e := Edit{
		packet:   p,
		clientID: value{true, p.ClientID, ""},
		username: choose(p.Username, f.Username),
		password: choose(p.Password, f.Password),
	}
	if f.ClientID.Set {
		e.clientID = value{true, nil, f.ClientID.Text}
	}
	e.flags = flagFor(p.variable[p.flagsAt], flagUsername, p.Username != nil, e.username.present)
	if edited := f.Username.Set || f.Password.Set; edited && p.Version < 5 && !e.username.present {
		e.password = value{}
		e.flags &^= flagPassword
		return e
	}
	e.flags = flagFor(e.flags, flagPassword, p.Password != nil, e.password.present)
	return e
}

// choose returns the field to be encoded in place of old.
func choose(old []byte, f Field) value {
	if f.Set {
		return value{f.Text != "", nil, f.Text}
	}
	return value{old != nil, old, ""}
}

// flagFor returns flags with that flag of a field. It stays as received if the presence of the field
// does not change: in MQTT 3.1 it may be set without the field.
func flagFor(flags, flag byte, was, is bool) byte {
	switch {
	case is == was:
		return flags
	case is:
		return flags | flag
	}
	return flags &^ flag
}

// remaining returns the remaining length of the packet.
func (e *Edit) remaining() int {
	return len(e.packet.variable) + e.clientID.size() + len(e.packet.will) + e.username.size() + e.password.size()
}

// Size returns the length of the packet with its fixed header. A packet longer than MaxSize cannot
// be encoded.
func (e *Edit) Size() int {
	n := e.remaining()
	return 1 + varintSize(n) + n
}

// AppendTo appends the encoded packet.
func (e *Edit) AppendTo(dst []byte) []byte {
	dst = binary.AppendUvarint(append(dst, typeConnect), uint64(e.remaining()))
	at := len(dst) + e.packet.flagsAt
	dst = append(dst, e.packet.variable...)
	dst[at] = e.flags
	dst = append(e.clientID.appendTo(dst), e.packet.will...)
	return e.password.appendTo(e.username.appendTo(dst))
}

// varintSize returns the number of bytes of a variable byte integer.
func varintSize(n int) int {
	size := 1
	for ; n > 0x7f; n >>= 7 {
		size++
	}
	return size
}
