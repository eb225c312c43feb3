//go:build race

package udp_test

// raceDetector means that allocations differ from those in production.
const raceDetector = true
