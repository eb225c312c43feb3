package epoll

import "testing"

// TestBacklogRoom checks that a backlog's room is less than twice its data, unless it is small.
func TestBacklogRoom(t *testing.T) {
	var p backlogPool
	for n := 1; n <= 3*bufferSize; n += 777 {
		b := p.get(n)
		if size := cap(b.room); size < n || size >= 2*n && n > smallBacklog {
			t.Fatalf("room of %d bytes for %d", size, n)
		}
		p.put(b)
		if again := p.get(n); n > smallBacklog && n <= bufferSize && again != b {
			t.Fatalf("room for %d bytes is not used again", n)
		}
	}
}

// TestBacklogsThatAreKept checks that a pool is bounded.
func TestBacklogsThatAreKept(t *testing.T) {
	var p backlogPool
	var used []*backlog
	for range 100 {
		for n := smallBacklog + 1; n <= bufferSize; n *= 2 {
			used = append(used, p.get(n))
		}
	}
	for _, b := range used {
		p.put(b)
	}
	if p.bytes > pooledBytes || p.bytes < pooledBytes/2 {
		t.Errorf("%d bytes are kept, want %d at most", p.bytes, pooledBytes)
	}
}
