package upstream

import "container/heap"

// A gate limits how many connections per second a peer gets: max_connect_rate. A session that has to wait
// reserves the time of its connection. The group's mutex guards it. Times are in microseconds.
type gate struct {
	interval  int64 // between two connections
	*schedule       // shared by the peers of one server in successive configurations
}

// A schedule contains the times of the next connections.
type schedule struct {
	next  int64 // the first time that no session has reserved
	freed times64
}

// newGate returns a gate for so many connections per second; nil for 0.
func newGate(perSecond int) *gate {
	if perSecond <= 0 {
		return nil
	}
	return &gate{interval: max(1_000_000/int64(perSecond), 1), schedule: &schedule{}}
}

// isOpen reports whether a session without a reservation may connect now.
func (g *gate) isOpen(now int64) bool {
	g.dropPassed(now)
	return g.next <= now || len(g.freed) > 0 && g.freed[0] <= now
}

// reserve returns the first time that no other session has.
func (g *gate) reserve(now int64) int64 {
	g.dropPassed(now)
	if len(g.freed) > 0 {
		return heap.Pop(&g.freed).(int64)
	}
	at := max(g.next, now)
	g.next = at + g.interval
	return at
}

// release gives back a reservation, for a session that does not connect.
func (g *gate) release(at, now int64) {
	if at > now {
		heap.Push(&g.freed, at)
	}
}

// dropPassed removes the times that no session can use any more.
func (g *gate) dropPassed(now int64) {
	for len(g.freed) > 0 && g.freed[0] < now {
		heap.Pop(&g.freed)
	}
}

// times64 is a heap of times.
type times64 []int64

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (t times64) Len() int           { return len(t) }
func (t times64) Less(i, j int) bool { return t[i] < t[j] }
func (t times64) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }

// Push adds a time at the end.
func (t *times64) Push(x any) { *t = append(*t, x.(int64)) }

// Pop removes the last time.
func (t *times64) Pop() any {
	last := (*t)[len(*t)-1]
	*t = (*t)[:len(*t)-1]
	return last
}

// micros returns a time in milliseconds in microseconds.
func micros(now int64) int64 { return now * 1000 }
