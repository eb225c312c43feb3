package zone

import "testing"

// TestCapacity uses numbers from nginx 1.22 on 64-bit Linux: sessions with keys of that length were
// opened until it refused one.
func TestCapacity(t *testing.T) {
	tests := []struct {
		name      string
		size      int64
		fixed     []int
		node, key int
		want      int
	}{
		{"the least zone", 32768, []int{64, 25}, 36, 5, 383},
		{"a name that shares a page with the keys", 32768, []int{64, 33}, 36, 5, 446},
		{"a long name", 32768, []int{64, 84}, 36, 5, 383},
		{"not a whole number of pages", 40000, []int{64, 25}, 36, 5, 447},
		{"twice the least", 65536, []int{64, 25}, 36, 5, 895},
		{"longer keys", 32768, []int{64, 27}, 36, 45, 160},
		{"long keys", 32768, []int{64, 28}, 36, 125, 80},
		{"the longest keys", 32768, []int{64, 28}, 36, 235, 40},
		{"too small for anything", 4096, nil, 36, 4, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var s Slab
			s.init(tt.size)
			for _, size := range tt.fixed {
				s.Alloc(size)
			}
			n := 0
			for s.Alloc(tt.node + tt.key) {
				n++
			}
			if n != tt.want {
				t.Errorf("got %d keys, want %d", n, tt.want)
			}
		})
	}
}

// TestSlot follows ngx_slab_alloc_pages: the number of blocks of a size in a fresh page.
func TestSlot(t *testing.T) {
	for size, want := range map[int]int{
		1: 504, 8: 504, 9: 254, 16: 254, 17: 127, 32: 127, 33: 64, 64: 64, 65: 32, 128: 32, 256: 16, 512: 8, 2048: 2,
	} {
		if _, got := slot(size); got != want {
			t.Errorf("got %d blocks of %d bytes a page, want %d", got, size, want)
		}
	}
}

func TestSlabGivesPagesBack(t *testing.T) {
	var s Slab
	s.init(32768)
	free := s.pages
	for range 64 {
		s.Alloc(64)
	}
	s.Alloc(128)
	if s.pages != free-2 {
		t.Errorf("got %d pages free, want %d", s.pages, free-2)
	}
	for range 64 {
		s.Free(64)
	}
	s.Free(128)
	if s.pages != free {
		t.Errorf("got %d pages free, want %d", s.pages, free)
	}
}

func TestBlocksOfWholePages(t *testing.T) {
	s := NewSlab(65536)
	free := s.Figures().PagesFree
	for _, tt := range []struct{ size, pages int }{{2049, 1}, {4096, 1}, {4097, 2}, {(free - 4) * 4096, free - 4}} {
		before := s.Figures().PagesFree
		if !s.Alloc(tt.size) || s.Figures().PagesFree != before-tt.pages {
			t.Errorf("a block of %d bytes left %d of %d pages", tt.size, s.Figures().PagesFree, before)
		}
	}
	if s.Alloc(1) || s.Alloc(4096) {
		t.Error("a full zone had room")
	}
	s.Free(4097)
	if !s.Alloc(8192) {
		t.Error("there was no room where a block of two pages was freed")
	}
}

func TestFigures(t *testing.T) {
	s := NewSlab(32768)
	all := s.Figures().PagesFree
	for range 65 {
		s.Alloc(60)
	}
	s.Alloc(2048)
	for s.Alloc(1000) {
	}
	f := s.Figures()
	if f.PagesUsed != all || f.PagesFree != 0 {
		t.Errorf("got %d pages used and %d free of %d", f.PagesUsed, f.PagesFree, all)
	}
	kilo := uint64(4 * (all - 3))
	want := map[int]SlotFigures{
		8:    {Size: 8},
		64:   {Size: 64, Used: 65, Free: 63, Requests: 65},
		1024: {Size: 1024, Used: int(kilo), Requests: kilo + 1, Fails: 1},
		2048: {Size: 2048, Used: 1, Free: 1, Requests: 1},
	}
	for _, got := range f.Slots {
		if w, ok := want[got.Size]; ok && got != w {
			t.Errorf("got %+v, want %+v", got, w)
		}
	}
	s.Reset()
	for _, got := range s.Figures().Slots {
		if got.Requests != 0 || got.Fails != 0 {
			t.Errorf("got %+v after a reset", got)
		}
	}
}
