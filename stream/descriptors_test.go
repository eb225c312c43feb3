package stream

import (
	"math"
	"testing"
)

// A fakeProcess has a descriptor limit and a number of open descriptors.
type fakeProcess struct{ limit, used int }

func (p *fakeProcess) survey() (limit, used int) { return p.limit, p.used }

func TestDescriptorsAreSharedByLoops(t *testing.T) {
	p := &fakeProcess{limit: 1000, used: 36}
	d := NewDescriptors(p.survey)
	needed := [2]int{}
	for i := range needed {
		d.Join(func() (int, int) { return 0, needed[i] })
	}
	needed[0], needed[1] = 500, 398
	for n, want := range map[int]bool{1: true, 2: true, 3: false} { // 1000 but for 64 in reserve, 36 of others and 898
		if got := d.Room(n); got != want {
			t.Errorf("room for %d: %v, want %v", n, got, want)
		}
	}
	if d.Reserved(935) || !d.Reserved(936) {
		t.Error("the reserve does not begin at 936")
	}
}

func TestSurveyFollowsTheLimit(t *testing.T) {
	p := &fakeProcess{limit: 20000, used: 10}
	d := NewDescriptors(p.survey)
	d.Join(func() (int, int) { return 100, 200 })
	p.limit, p.used = 256, 130
	d.Survey()
	if usable, limit := d.Limits(); usable != 224 || limit != 256 {
		t.Errorf("%d of %d are usable, want 224 of 256", usable, limit)
	}
	if d.Room(1) {
		t.Error("there is room beside 30 of others and 200 of sessions")
	}
	p.limit = 300
	d.Survey()
	if !d.Room(1) || !d.Room(33) || d.Room(34) {
		t.Error("there is not room for 33, which 263 leave beside 230")
	}
}

func TestNoLimitOfDescriptors(t *testing.T) {
	var none *Descriptors
	none.Join(nil)
	none.Survey()
	for _, d := range []*Descriptors{none, NewDescriptors((&fakeProcess{limit: math.MaxInt}).survey)} {
		if !d.Room(math.MaxInt32) || d.Reserved(math.MaxInt32) {
			t.Error("descriptors are short without a limit")
		}
	}
}
