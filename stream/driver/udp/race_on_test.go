//go:build race

package udp_test

// raceDetector says that allocations are not what they are in production.
const raceDetector = true
