//go:build race

package stream_test

// raceDetector means that allocations differ from production.
const raceDetector = true
