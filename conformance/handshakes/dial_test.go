package handshakes

import (
	"net"

	"weir/conformance/program"
)

// dialer connects to weir.
var dialer = &net.Dialer{Timeout: program.Patience}
