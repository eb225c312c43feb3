package mqtt

import "encoding/binary"

// flagCleanStart is a connect flag, 3.1.2.4: the broker keeps no session.
const flagCleanStart = 0x02

// A Login is a CONNECT of a client that needs no session and has no will. A field has at most 65535
// bytes.
type Login struct {
	IsV5        bool   // MQTT 5.0 instead of 3.1.1
	KeepAlive   uint16 // seconds
	ClientID    string
	Username    string
	Password    string
	HasUsername bool
	HasPassword bool
}

// AppendTo appends the encoded packet.
func (l *Login) AppendTo(dst []byte) []byte {
	body := append([]byte(nameMQTT), l.level(), l.flags())
	body = binary.BigEndian.AppendUint16(body, l.KeepAlive)
	if l.IsV5 {
		body = append(body, 0) // no properties
	}
	body = value{present: true, text: l.ClientID}.appendTo(body)
	body = value{present: l.HasUsername, text: l.Username}.appendTo(body)
	body = value{present: l.HasPassword, text: l.Password}.appendTo(body)
	return append(binary.AppendUvarint(append(dst, typeConnect), uint64(len(body))), body...)
}

func (l *Login) level() byte {
	if l.IsV5 {
		return 5
	}
	return 4
}

func (l *Login) flags() byte {
	flags := flagFor(flagCleanStart, flagUsername, false, l.HasUsername)
	return flagFor(flags, flagPassword, false, l.HasPassword)
}
