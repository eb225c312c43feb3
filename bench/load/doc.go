// Package load contains both ends of a benchmark of a proxy for MQTT and datagrams: a broker behind
// the proxy, and clients in front of it.
//
// Both run in epoll loops and make few system calls, so that they leave the CPU to the measured
// program. They do not handle a misbehaving peer: any surprise ends the test with an error, because
// a load with errors measures nothing.
//
// A client requests a behaviour from the broker in its client identifier, so one broker and one
// configuration of the proxy serve every test:
//
//	sink:BYTES:NAME     the broker discards BYTES after the CONNECT and answers with one PINGRESP
//	source:BYTES:NAME   the broker sends BYTES after a PINGREQ
//	stamps:COUNT:NAME   the broker reads COUNT PUBLISH packets that begin with the time, and answers with one PUBLISH of all delays
//	anything else       the broker echoes each PUBLISH and answers each PINGREQ
//
// A datagram to the broker's port is echoed.
//
// Linux and IPv4 only.
package load
