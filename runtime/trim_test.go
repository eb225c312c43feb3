package runtime

import "testing"

func TestTrimmer(t *testing.T) {
	const much = 10 << 20
	var tr trimmer
	looks := []struct {
		name string
		now  trimSample
		want bool
	}{
		{"nothing has happened", trimSample{bytes: 1000}, false},
		{"sessions come", trimSample{much, 5000, 0}, false},
		{"they have come", trimSample{much + 100, 5000, 0}, true},
		{"still busy", trimSample{2 * much, 5000, 0}, false},
		{"hardly anything since", trimSample{2*much + restBytes, 5000, 0}, false},
		{"at rest", trimSample{2*much + restBytes + 1, 5000, 0}, true},
		{"nothing since", trimSample{2*much + restBytes + 2, 5000, 0}, false},
		{"sessions go", trimSample{2*much + restBytes + 3, 5000, 1000}, false},
		{"they have gone", trimSample{2*much + restBytes + 4, 5000, 1001}, true},
		{"one after the other goes", trimSample{2*much + restBytes + 5, 5000, 1001 + trimSessions - 1}, false},
		{"few for those that are left", trimSample{2*much + restBytes + 6, 5000, 1001 + trimSessions + 1}, false},
		{"many go", trimSample{2*much + restBytes + 7, 5000, 4000}, false},
		{"nearly all have gone", trimSample{2*much + restBytes + 8, 5000, 4999}, false},
		{"all have gone", trimSample{2*much + restBytes + 9, 5000, 5000}, true},
		{"nothing is left to give back", trimSample{2*much + restBytes + 10, 5000, 5000}, false},
	}
	for _, l := range looks {
		got := tr.due(l.now)
		if got != l.want {
			t.Errorf("%s: got %v, want %v", l.name, got, l.want)
		}
		if got {
			tr.trimmed = l.now
		}
	}
}
