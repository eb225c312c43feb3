//go:build race

package directives

// raceDetector is true when the race detector is on; it changes the number of allocations.
const raceDetector = true
