package runtime

import (
	"os"
	"strings"
	"unsafe"
)

// workerArgs returns the arguments of a process with workerTitle: blanks make room for the longer title.
func workerArgs() []string {
	return []string{workerTitle + strings.Repeat(" ", len(endingTitle)-len(workerTitle))}
}

// setTitle changes the title of a process that was started with workerArgs, in the memory from which the kernel reads it.
// In other processes it does nothing.
func setTitle(title string) {
	if len(os.Args) != 1 || len(os.Args[0]) != len(endingTitle) || !strings.HasPrefix(os.Args[0], workerTitle) {
		return
	}
	memory := unsafe.Slice(unsafe.StringData(os.Args[0]), len(endingTitle))
	clear(memory[copy(memory, title):])
}
