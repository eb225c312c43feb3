package directives

import (
	"fmt"
	"testing"
)

func TestAffinityOf(t *testing.T) {
	masks := [][]int{{0}, {1, 3}}
	for _, tt := range []struct {
		name string
		a    Affinity
		want string // for workers 0 to 3
	}{
		{"none", Affinity{}, "[[] [] [] []]"},
		{"masks, the last for all others", Affinity{masks: masks}, "[[0] [1 3] [1 3] [1 3]]"},
		{"spread", Affinity{auto: true, masks: masks[1:]}, "[[1] [3] [1] [3]]"},
		{"spread over nothing", Affinity{auto: true, masks: [][]int{nil}}, "[[] [] [] []]"},
	} {
		var got [4][]int
		for i := range got {
			got[i] = tt.a.Of(i)
		}
		if got := fmt.Sprint(got); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}
