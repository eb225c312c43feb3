package runtime

import (
	"strconv"
	"strings"
	"testing"
)

// FuzzParsePid checks that only a valid process number is accepted: not 0, not -1, not a number that
// overflows.
func FuzzParsePid(f *testing.F) {
	for _, text := range []string{"1", "4711", "0", "-1", "+1", "007", "", " 1", "2147483647", "2147483648", "18446744073709551617", "1_0"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		pid, ok := parsePid(text)
		if ok && (pid <= 0 || strconv.Itoa(pid) != strings.TrimLeft(text, "0")) {
			t.Errorf("%q is the process %d", text, pid)
		}
	})
}
