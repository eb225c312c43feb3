package runtime

import "testing"

func TestHistoryCompare(t *testing.T) {
	good, half, whole := digest{1}, digest{2}, digest{3}
	type look struct {
		now                digest
		broken, incomplete bool
		want               comparison
	}
	tests := []struct {
		name  string
		looks []look
	}{
		{"nothing", []look{{good, false, false, unchanged}}},
		{"a change", []look{{whole, false, false, different}, {whole, false, false, unchanged}}},
		{"half, then the whole", []look{{half, true, true, suspicious}, {whole, false, false, different}}},
		{"half, then as before", []look{{half, true, true, suspicious}, {good, false, false, unchanged}}},
		{"half that parses", []look{{half, false, true, unfinished}, {half, false, true, unfinished}, {whole, false, false, different}}},
		{"broken for good", []look{{half, true, false, suspicious}, {half, true, false, different}, {half, true, false, unchanged}}},
		{"broken and open", []look{{half, true, true, suspicious}, {half, true, true, different}, {whole, false, false, different}}},
		{"taken back", []look{{whole, false, false, different}, {good, false, false, restored}, {good, false, false, unchanged}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var m history
			m.record(good, true)
			for i, l := range tt.looks {
				if got := m.compare(l.now, l.broken, l.incomplete); got != l.want {
					t.Errorf("look %d: got %d, want %d", i, got, l.want)
				}
			}
		})
	}
}

func TestHistoryOfARejectedConfiguration(t *testing.T) {
	good, bad := digest{1}, digest{2}
	var m history
	m.record(good, true)
	m.record(bad, false)
	if got := m.compare(bad, false, false); got != unchanged {
		t.Errorf("refused before: got %d, want %d", got, unchanged)
	}
	if got := m.compare(good, false, false); got != restored {
		t.Errorf("the running one: got %d, want %d", got, restored)
	}
}
