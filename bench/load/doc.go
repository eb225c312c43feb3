// Package load has both ends of a benchmark of a proxy for MQTT and datagrams: a broker to put behind the proxy, and clients to put in
// front of it.
//
// Both run in epoll loops and make few system calls, so that they leave the machine to the program that is measured. They do nothing clever about a peer that
// misbehaves: any surprise ends the test with an error, because a load with errors in it measures nothing.
//
// A client asks the broker for a behaviour through its client identifier, so one broker and one configuration of the proxy serve every test:
//
//	sink:BYTES:NAME     the broker discards BYTES after the CONNECT and answers with one PINGRESP
//	source:BYTES:NAME   the broker sends BYTES once it is asked by a PINGREQ
//	stamps:COUNT:NAME   the broker takes COUNT packets of PUBLISH that begin with the time, and answers with one PUBLISH that has all delays
//	anything else       the broker echoes each PUBLISH and answers each PINGREQ
//
// A datagram to the broker's port comes back.
//
// Linux and IPv4 only.
package load
