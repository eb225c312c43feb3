//go:build !race

package udp_test

const raceDetector = false
