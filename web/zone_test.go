package web

import (
	"reflect"
	"testing"
)

func TestZoneSnapshotAndReset(t *testing.T) {
	var table ZoneTable
	z := table.Get("a")
	if table.Get("a") != z || table.Get("b") == z {
		t.Error("a name has one zone, and another name another zone")
	}
	z.processing.Add(1)
	z.requests.Add(4)
	z.discarded.Add(1)
	z.received.Add(100)
	z.sent.Add(200)
	for _, status := range []int{200, 200, 499, 599} {
		z.codes[status-minCode].Add(1)
	}
	want := ZoneSnapshot{
		Processing: 1, Requests: 4, Discarded: 1, Received: 100, Sent: 200, Classes: [5]int64{1: 2, 3: 1, 4: 1},
		Codes: []Code{{200, 2}, {499, 1}, {599, 1}},
	}
	if got := z.Snapshot(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	z.Reset()
	if got := z.Snapshot(); !reflect.DeepEqual(got, ZoneSnapshot{Processing: 1}) {
		t.Errorf("after a reset: got %+v", got)
	}
}

func TestZoneNames(t *testing.T) {
	var z Zones
	for _, name := range []string{"b", "a", "b"} {
		z.AddServer(name)
		z.AddLocation(name)
	}
	if want := []string{"b", "a"}; !reflect.DeepEqual(z.Servers, want) || !reflect.DeepEqual(z.Locations, want) {
		t.Errorf("got %+v", z)
	}
}
