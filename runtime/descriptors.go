package runtime

import (
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// surveyDescriptors returns the descriptor limit of the process and the number of open descriptors. An
// unknown limit is math.MaxInt, an unknown number 0.
func surveyDescriptors() (limit, used int) {
	limit = math.MaxInt
	var n unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &n); err == nil && uint64(n.Cur) < math.MaxInt32 {
		limit = int(n.Cur)
	}
	for _, name := range []string{"/proc/self/fd", "/dev/fd"} { // Linux, and systems without /proc
		if dir, err := os.Open(name); err == nil {
			defer dir.Close()
			names, _ := dir.Readdirnames(-1)
			return limit, max(len(names)-1, 0) // without dir itself
		}
	}
	return limit, 0
}
