//go:build !linux

// Command bench compares weir with nginx and HAProxy. It reads CPU times from Linux's clocks and
// memory from /proc, so it runs on Linux only.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "bench: runs on Linux only")
	os.Exit(1)
}
