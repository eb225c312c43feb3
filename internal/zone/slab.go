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

// A Slab computes the space that ngx_slab_alloc would have left in a zone: pages, each for blocks of one
// size, a power of two of less than a page; larger blocks take whole pages. After many blocks of
// different sizes have been allocated and freed, nginx may have less, because it keeps a page while one
// block of it is in use; this type counts as if blocks were compacted.
//
// A Slab is safe for concurrent use. Its mutex is held for arithmetic only.
type Slab struct {
	mu       sync.Mutex
	pages    int // free
	all      int // pages
	used     [slots]int
	requests [slots]uint64
	fails    [slots]uint64
}

// NewSlab returns the Slab of an empty zone of size bytes.
func NewSlab(size int64) *Slab {
	s := &Slab{}
	s.init(size)
	return s
}

// init follows ngx_slab_init.
func (s *Slab) init(size int64) {
	const head = poolSize + slots*(slotSize+statSize)
	pages := (size - head) / (pageSize + slotSize)
	start := (head + pages*slotSize + pageSize - 1) &^ (pageSize - 1)
	s.all = int(max(min(pages, (size-start)/pageSize), 0))
	s.pages = s.all
}

// Alloc allocates a block of size bytes, and reports whether there was room.
func (s *Slab) Alloc(size int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if size > maxBlock {
		return s.takePages(pagesOf(size))
	}
	i, perPage := slot(size)
	s.requests[i]++
	if s.used[i]%perPage == 0 && !s.takePages(1) {
		s.fails[i]++
		return false
	}
	s.used[i]++
	return true
}

func (s *Slab) takePages(n int) bool {
	if s.pages < n {
		return false
	}
	s.pages -= n
	return true
}

// Free frees a block of size bytes.
func (s *Slab) Free(size int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if size > maxBlock {
		s.pages += pagesOf(size)
		return
	}
	i, perPage := slot(size)
	s.used[i]--
	if s.used[i]%perPage == 0 {
		s.pages++
	}
}

// Figures are the numbers of a Slab, as nginx reports them for a zone.
type Figures struct {
	PagesUsed, PagesFree int
	Slots                [slots]SlotFigures // by size, ascending
}

// SlotFigures are the numbers for the blocks of one size.
type SlotFigures struct {
	Size            int    // in bytes
	Used, Free      int    // blocks; the free ones in pages that are in use
	Requests, Fails uint64 // since the start, or since Reset
}

// Figures returns the current numbers.
func (s *Slab) Figures() Figures {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := Figures{PagesUsed: s.all - s.pages, PagesFree: s.pages}
	for i := range f.Slots {
		size := 1 << (i + minShift)
		_, perPage := slot(size)
		free := (perPage - s.used[i]%perPage) % perPage
		f.Slots[i] = SlotFigures{Size: size, Used: s.used[i], Free: free, Requests: s.requests[i], Fails: s.fails[i]}
	}
	return f
}

// Reset sets the numbers of requests and of failures to zero.
func (s *Slab) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests, s.fails = [slots]uint64{}, [slots]uint64{}
}

// maxBlock is the size of the largest block that does not take whole pages.
const maxBlock = pageSize / 2

func pagesOf(size int) int { return (size + pageSize - 1) >> pageShift }

// slot returns the index of the counter for blocks of size bytes, at most maxBlock, and their number per
// page.
func slot(size int) (index, perPage int) {
	shift := max(bits.Len(uint(size-1)), minShift)
	perPage = 1 << (pageShift - shift)
	if shift < exactShift {
		perPage -= max(perPage/8>>shift, 1) // for the bitmap of used blocks
	}
	return shift - minShift, perPage
}
