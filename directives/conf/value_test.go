package conf

import (
	"math"
	"testing"
	"time"
)

const bad = -1

func TestParseNumbers(t *testing.T) {
	tests := []struct {
		name, text           string
		number, size, offset int64
	}{
		{"zero", "0", 0, 0, 0},
		{"leading zeros", "007", 7, 7, 7},
		{"kilobytes", "64k", bad, 64 << 10, 64 << 10},
		{"upper case", "2M", bad, 2 << 20, 2 << 20},
		{"gigabytes are for offsets", "3g", bad, bad, 3 << 30},
		{"empty", "", bad, bad, bad},
		{"unit alone", "k", bad, bad, bad},
		{"sign", "-1", bad, bad, bad},
		{"plus", "+1", bad, bad, bad},
		{"blank", "1 ", bad, bad, bad},
		{"fraction", "1.5m", bad, bad, bad},
		{"two units", "1mk", bad, bad, bad},
		{"largest", "9223372036854775807", math.MaxInt64, math.MaxInt64, math.MaxInt64},
		{"one more", "9223372036854775808", bad, bad, bad},
		{"largest in kilobytes", "9007199254740991k", bad, 9007199254740991 << 10, 9007199254740991 << 10},
		{"too many kilobytes", "9007199254740992k", bad, bad, bad},
		{"too many gigabytes", "8589934592g", bad, bad, bad},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			checkValue(t, "ParseNumber", tt.text, tt.number, ParseNumber)
			checkValue(t, "ParseSize", tt.text, tt.size, ParseSize)
			checkValue(t, "ParseOffset", tt.text, tt.offset, ParseOffset)
		})
	}
}

func TestParseTimes(t *testing.T) {
	const days = 24 * time.Hour
	tests := []struct {
		name, text string
		msec, sec  time.Duration
	}{
		{"zero", "0", 0, 0},
		{"bare digits are seconds", "30", 30 * time.Second, 30 * time.Second},
		{"milliseconds", "500ms", 500 * time.Millisecond, bad},
		{"minutes", "2m", 2 * time.Minute, 2 * time.Minute},
		{"months", "1M", bad, 30 * days},
		{"years", "1y", bad, 365 * days},
		{"weeks and days", "1w2d", 9 * days, 9 * days},
		{"falling order", "1h30m15s", 90*time.Minute + 15*time.Second, 90*time.Minute + 15*time.Second},
		{"blanks between parts", "1h  30m", 90 * time.Minute, 90 * time.Minute},
		{"last part without a unit", "1h 30", time.Hour + 30*time.Second, time.Hour + 30*time.Second},
		{"two parts without a unit", "30 5", 35 * time.Second, 35 * time.Second},
		{"three parts without a unit", "30 5 1", bad, bad},
		{"milliseconds after seconds", "1s500ms", 1500 * time.Millisecond, bad},
		{"seconds after milliseconds", "500ms1", 1500 * time.Millisecond, bad},
		{"unit without digits", "1hm", time.Hour, time.Hour},
		{"rising order", "1m1h", bad, bad},
		{"unit twice", "1h1h", bad, bad},
		{"case matters", "1H", bad, bad},
		{"empty", "", bad, bad},
		{"unit alone", "s", bad, bad},
		{"fraction", "1.5s", bad, bad},
		{"negative", "-1s", bad, bad},
		{"bytes that are no unit", "1x", bad, bad},
		{"too many digits", "9223372036854775808", bad, bad},
		{"overflow of a unit", "9223372036854775807w", bad, bad},
		{"more than a duration holds", "90000000000", math.MaxInt64, math.MaxInt64},
		{"overflow in milliseconds", "9223372036854775807", bad, math.MaxInt64},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			checkValue(t, "ParseMsec", tt.text, tt.msec, ParseMsec)
			checkValue(t, "ParseSec", tt.text, tt.sec, ParseSec)
		})
	}
}

func TestInt(t *testing.T) {
	for n, want := range map[int64]int{0: 0, 1 << 30: 1 << 30, math.MaxInt64: math.MaxInt} {
		if got := Int(n); got != want {
			t.Errorf("Int(%d) = %d, want %d", n, got, want)
		}
	}
}

func checkValue[T int64 | time.Duration](t *testing.T, name, text string, want T, parse func(string) (T, bool)) {
	t.Helper()
	got, ok := parse(text)
	if wantOK := want != bad; ok != wantOK || ok && got != want {
		t.Errorf("%s(%q) = %v, %v, want %v, %v", name, text, got, ok, want, wantOK)
	}
}
