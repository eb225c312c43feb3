//go:build race

package datagram_test

// raceDetector says that allocations are not what they are in production.
const raceDetector = true
