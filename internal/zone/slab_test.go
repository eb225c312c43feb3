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
			var s slab
			s.init(tt.size)
			for _, size := range tt.fixed {
				s.alloc(size)
			}
			n := 0
			for s.alloc(tt.node + tt.key) {
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
		1: 504, 8: 504, 9: 254, 16: 254, 17: 127, 32: 127, 33: 64, 64: 64, 65: 32, 128: 32, 256: 16, 512: 8, 2048: 2, 2049: 1, 4096: 1, 5000: 1,
	} {
		if _, got := slot(size); got != want {
			t.Errorf("got %d blocks of %d bytes a page, want %d", got, size, want)
		}
	}
}

func TestSlabGivesPagesBack(t *testing.T) {
	var s slab
	s.init(32768)
	free := s.pages
	for range 64 {
		s.alloc(64)
	}
	s.alloc(128)
	if s.pages != free-2 {
		t.Errorf("got %d pages free, want %d", s.pages, free-2)
	}
	for range 64 {
		s.free(64)
	}
	s.free(128)
	if s.pages != free {
		t.Errorf("got %d pages free, want %d", s.pages, free)
	}
}
