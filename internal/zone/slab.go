package zone

import (
	"math/bits"
	"sync"
)

// The structures that nginx places at the beginning of a zone on a 64-bit system: its slab pool, a
// list and statistics for each block size, and a description of each page.
const (
	poolSize = 200 // ngx_slab_pool_t
	slotSize = 24  // ngx_slab_page_t
	statSize = 32  // ngx_slab_stat_t
	slots    = pageShift - minShift
)

const (
	pageShift  = 12
	pageSize   = 1 << pageShift
	minShift   = 3 // the smallest blocks have 8 bytes
	exactShift = 6 // for blocks smaller than 64 bytes, a page contains a bitmap of the blocks in use
)

// A slab computes the space that ngx_slab_alloc would have left in a zone: pages, each for blocks
// of one size, a power of two and at most a page. After many blocks of different sizes have been
// allocated and freed, nginx may have less, because it keeps a page while one block of it is in
// use; this type counts as if blocks were compacted.
//
// A slab is safe for concurrent use. Its mutex is held for arithmetic only.
type slab struct {
	mu    sync.Mutex
	pages int            // free
	used  [slots + 1]int // blocks, by the logarithm of their size minus minShift; whole pages last
}

// init follows ngx_slab_init.
func (s *slab) init(size int64) {
	const head = poolSize + slots*(slotSize+statSize)
	pages := (size - head) / (pageSize + slotSize)
	start := (head + pages*slotSize + pageSize - 1) &^ (pageSize - 1)
	s.pages = int(max(min(pages, (size-start)/pageSize), 0))
}

// alloc allocates a block of size bytes, and reports whether there was room.
func (s *slab) alloc(size int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, perPage := slot(size)
	if s.used[i]%perPage == 0 {
		if s.pages == 0 {
			return false
		}
		s.pages--
	}
	s.used[i]++
	return true
}

// free frees a block of size bytes.
func (s *slab) free(size int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, perPage := slot(size)
	s.used[i]--
	if s.used[i]%perPage == 0 {
		s.pages++
	}
}

// slot returns the index of the counter for blocks of size bytes, and their number per page.
func slot(size int) (index, perPage int) {
	shift := min(max(bits.Len(uint(size-1)), minShift), pageShift)
	perPage = 1 << (pageShift - shift)
	if shift < exactShift {
		perPage -= max(perPage/8>>shift, 1) // for the bitmap of used blocks
	}
	return shift - minShift, perPage
}
