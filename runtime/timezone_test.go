package runtime

import (
	"testing"
	"time"
)

func TestPosixZone(t *testing.T) {
	const none = "none"
	tests := []struct {
		tz             string
		winter, summer string // offsets in January and July of 2026
	}{
		{"UTC-3", "+0300", "+0300"},
		{"<+0530>-5:30", "+0530", "+0530"},
		{"CET-1", "+0100", "+0100"},
		{"GMT+2", "-0200", "-0200"},
		{":GMT+2", "-0200", "-0200"},
		{"CET-1CEST,M3.5.0,M10.5.0/3", "+0100", "+0200"},
		{"XST5XDT", "-0500", "-0400"},
		{"AEST-10AEDT,M10.1.0,M4.1.0/3", "+1100", "+1000"},
		{"<-03>3", "-0300", "-0300"},
		{"Nowhere", "+0000", "+0000"},
		{"CET-1CEST,nonsense", "+0000", "+0000"},
		{"", none, none},
		{":", none, none},
		{"UTC", none, none},
		{"Europe/Berlin", none, none},
		{":Europe/Berlin", none, none},
		{"EST5EDT", none, none}, // a zone file
		{"Nowhere/Land", none, none},
		{"/etc/localtime", none, none},
	}
	for _, tt := range tests {
		t.Run(tt.tz, func(t *testing.T) {
			zone := posixZone(tt.tz)
			if zone == nil {
				if tt.winter != none {
					t.Error("no zone")
				}
				return
			}
			for month, want := range map[time.Month]string{time.January: tt.winter, time.July: tt.summer} {
				if got := time.Date(2026, month, 15, 12, 0, 0, 0, time.UTC).In(zone).Format("-0700"); got != want {
					t.Errorf("%v: got %s, want %s", month, got, want)
				}
			}
		})
	}
}

// FuzzPosixZone checks that any value of TZ results in a usable zone.
func FuzzPosixZone(f *testing.F) {
	for _, tz := range []string{"CET-1CEST,M3.5.0,M10.5.0/3", "<+0530>-5:30", "A", "\x00", "EST5EDT,J60,300/-167"} {
		f.Add(tz)
	}
	f.Fuzz(func(t *testing.T, tz string) {
		if zone := posixZone(tz); zone != nil {
			if got := time.Unix(1<<31, 0).In(zone).Unix(); got != 1<<31 {
				t.Errorf("%q makes another time, %d", tz, got)
			}
		}
	})
}
