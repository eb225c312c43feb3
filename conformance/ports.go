package conformance

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// Ports are taken from below the usual range for outgoing connections.
const (
	firstPort = 3000
	lastPort  = 9999
)

// A portPool hands out free ports, each once until the range is used up. Its methods may be called
// concurrently.
type portPool struct {
	mu   sync.Mutex
	next int
}

// ports is shared by all scripts of the process; the random start separates processes that run at
// the same time.
var ports = &portPool{next: firstPort + rand.IntN(lastPort-firstPort)}

// take returns the first of n consecutive ports that are free.
func (p *portPool) take(n int) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range lastPort - firstPort {
		first := p.next
		p.next++
		if first+n > lastPort {
			p.next = firstPort
			continue
		}
		if allFree(first, n) {
			p.next = first + n
			return first, nil
		}
	}
	return 0, fmt.Errorf("no %d free ports in a row between %d and %d", n, firstPort, lastPort)
}

func allFree(first, n int) bool {
	for port := first; port < first+n; port++ {
		l, err := net.Listen("tcp", fmt.Sprintf(":%d", port)) // the wildcard conflicts with a listener on any address
		if err != nil {
			return false
		}
		l.Close()
		c, err := net.ListenPacket("udp", fmt.Sprintf(":%d", port))
		if err != nil {
			return false
		}
		c.Close()
	}
	return true
}
