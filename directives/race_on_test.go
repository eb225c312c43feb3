//go:build race

package directives

// raceDetector says that allocations are not what they are in production.
const raceDetector = true
