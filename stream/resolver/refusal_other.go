//go:build !linux

package resolver

import "net"

// hearRefusals does nothing: other systems tell of refusals through connected sockets only.
func hearRefusals(*net.UDPConn) {}
