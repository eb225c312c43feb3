//go:build !race

package directives

const raceDetector = false
