package runtime

import "testing"

func TestTrimmer(t *testing.T) {
	const much = 10 << 20
	var tr trimmer
	looks := []struct {
		name  string
		total uint64
		want  bool
	}{
		{"nothing has happened", 1000, false},
		{"sessions come", much, false},
		{"they have come", much + 100, true},
		{"still busy", 2 * much, false},
		{"hardly anything since", 2*much + restBytes, false},
		{"at rest", 2*much + restBytes + 1, true},
	}
	for _, l := range looks {
		got := tr.due(l.total)
		if got != l.want {
			t.Errorf("%s: got %v, want %v", l.name, got, l.want)
		}
		if got {
			tr.trimmed = l.total
		}
	}
	if tr.due(2*much + restBytes + 2) {
		t.Error("trims again with nothing to give back")
	}
}
