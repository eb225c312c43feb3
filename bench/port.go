//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"net"
)

// Ports are below those that systems, and the widened range of this program, use for outgoing
// connections.
const (
	firstPort = 3000
	lastPort  = 9999
)

// freePort returns a free port.
func freePort() (uint16, error) {
	for range 100 {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		l.Close()
		return uint16(port), nil
	}
	return 0, fmt.Errorf("no free port found between %d and %d", firstPort, lastPort)
}
