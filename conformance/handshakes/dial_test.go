package handshakes

import "net"

// dialer connects to weir.
var dialer = &net.Dialer{Timeout: patience}
