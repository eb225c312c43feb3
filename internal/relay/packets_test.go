package relay

import "testing"

func TestPackets(t *testing.T) {
	tests := []struct {
		name                string
		requests, responses int // of the Spec
		packets             Packets
		full, missing, over bool
	}{
		{"any number, none yet", 0, -1, Packets{1, 0}, false, false, false},
		{"any number, some", 0, -1, Packets{1, 5}, false, false, false},
		{"any number of answers to two", 2, -1, Packets{2, 5}, true, false, false},
		{"none is waited for", 0, 0, Packets{1, 0}, false, false, true},
		{"none is waited for, two make a session", 2, 0, Packets{1, 0}, false, false, false},
		{"none is waited for, two have come", 2, 0, Packets{2, 0}, true, false, true},
		{"one for each, missing", 0, 1, Packets{1, 0}, false, true, false},
		{"one for each, there", 0, 1, Packets{1, 1}, false, false, true},
		{"one for each, one of two", 0, 1, Packets{2, 1}, false, true, false},
		{"one for each, more than asked", 0, 1, Packets{1, 2}, false, false, true},
		{"two for each of two, first answered", 2, 2, Packets{1, 2}, false, false, false},
		{"two for each of two, one missing", 2, 2, Packets{2, 3}, true, true, false},
		{"two for each of two", 2, 2, Packets{2, 4}, true, false, true},
		{"more requests than make a session", 2, 1, Packets{3, 3}, true, false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := Spec{Requests: tt.requests, Responses: tt.responses}
			full, missing, over := s.Full(tt.packets), s.Missing(tt.packets), s.Over(tt.packets)
			if full != tt.full || missing != tt.missing || over != tt.over {
				t.Errorf("got full %v, missing %v, over %v, want %v, %v, %v", full, missing, over, tt.full, tt.missing, tt.over)
			}
		})
	}
}
