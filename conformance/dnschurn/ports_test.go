package dnschurn

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
)

// weir's ports are below those that the kernel uses for outgoing connections.
const (
	firstPort = 3000
	lastPort  = 9999
)

// freePorts returns n consecutive free ports.
func freePorts(t *testing.T, n int) int {
	t.Helper()
	for range 1000 {
		first := firstPort + rand.IntN(lastPort-firstPort-n)
		if allFree(first, n) {
			return first
		}
	}
	t.Fatalf("no %d free ports in a row between %d and %d", n, firstPort, lastPort)
	return 0
}

func allFree(first, n int) bool {
	for port := first; port < first+n; port++ {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return false
		}
		l.Close()
	}
	return true
}
