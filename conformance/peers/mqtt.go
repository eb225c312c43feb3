package peers

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
)

// A Connect is the CONNECT packet of an MQTT client.
type Connect struct {
	Level    byte // 3 (MQIsdp), 4 (3.1.1) or 5
	ClientID string
	Username string // absent when empty
	Password string // absent when empty
}

const (
	cleanSession = 0x02
	hasPassword  = 0x40
	hasUsername  = 0x80
	keepAlive    = 30 // seconds
)

// Bytes encodes the packet.
func (c Connect) Bytes() []byte {
	name, flags := "MQTT", byte(cleanSession)
	if c.Level == 3 {
		name = "MQIsdp"
	}
	tail := text(c.ClientID)
	if c.Username != "" {
		flags |= hasUsername
		tail = append(tail, text(c.Username)...)
	}
	if c.Password != "" {
		flags |= hasPassword
		tail = append(tail, text(c.Password)...)
	}
	body := append(text(name), c.Level, flags, 0, keepAlive)
	if c.Level == 5 {
		body = append(body, 0) // no properties
	}
	body = append(body, tail...)
	return append(append([]byte{0x10}, remaining(len(body))...), body...)
}

// Connack returns the packet that accepts a client of the given level.
func Connack(level byte) []byte {
	if level == 5 {
		return []byte{0x20, 3, 0, 0, 0}
	}
	return []byte{0x20, 2, 0, 0}
}

// Publish encodes a PUBLISH packet of QoS 0 for levels 3 and 4.
func Publish(topic, payload string) []byte {
	body := append(text(topic), payload...)
	return append(append([]byte{0x30}, remaining(len(body))...), body...)
}

func text(s string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(s))), s...)
}

// remaining encodes a packet's length, seven bits a byte, the lowest first.
func remaining(n int) []byte {
	var b []byte
	for {
		digit := byte(n & 0x7f)
		n >>= 7
		if n == 0 {
			return append(b, digit)
		}
		b = append(b, digit|0x80)
	}
}

// errPacket reports a packet that the fake broker does not support.
var errPacket = errors.New("malformed MQTT packet")

// packet reads one whole packet: its first byte and the bytes after the length.
func packet(r *bufio.Reader) (first byte, body []byte, err error) {
	if first, err = r.ReadByte(); err != nil {
		return 0, nil, err
	}
	n, err := binary.ReadUvarint(r) // the same encoding as MQTT's length
	if err != nil {
		return 0, nil, err
	}
	if n > 0xfffffff {
		return 0, nil, errPacket
	}
	body = make([]byte, n)
	_, err = io.ReadFull(r, body)
	return first, body, err
}

// parseConnect parses the output of Bytes; a will is not supported.
func parseConnect(body []byte) (Connect, error) {
	f := fields{rest: body}
	f.text()
	c := Connect{Level: f.byte()}
	flags := f.byte()
	f.take(2)
	if c.Level == 5 {
		f.take(int(f.byte()))
	}
	c.ClientID = f.text()
	if flags&hasUsername != 0 {
		c.Username = f.text()
	}
	if flags&hasPassword != 0 {
		c.Password = f.text()
	}
	if f.short {
		return Connect{}, errPacket
	}
	return c, nil
}

// fields takes values from the front of rest; short stays set after one did not fit.
type fields struct {
	rest  []byte
	short bool
}

func (f *fields) take(n int) []byte {
	if n > len(f.rest) {
		f.short = true
		return make([]byte, n)
	}
	b := f.rest[:n]
	f.rest = f.rest[n:]
	return b
}

func (f *fields) byte() byte   { return f.take(1)[0] }
func (f *fields) text() string { return string(f.take(int(binary.BigEndian.Uint16(f.take(2))))) }
