// Package drivertest contains the contract suite for drivers, and contents for testing them.
package drivertest

import (
	"net"
	"os"
	"testing"

	"go.uber.org/goleak"

	"weir/internal/testwait"
	"weir/stream"
)

// driverTest is one test of the contract.
type driverTest struct {
	name string
	run  func(*rig)
}

// plainTests and tlsTests are the contract of stream.Driver and of the steps, grouped like the files.
var (
	plainTests = [][]driverTest{
		relayTests, endTests, pressureTests, rateTests, connectTests, clientTests, listenerTests,
		abortTests, resolveTests, clientLeavesTests, readAheadTests,
	}
	tlsTests = [][]driverTest{handshakeTests, handshakeFailureTests, recordTests}
)

// Driver runs the contract suite against a driver, over loopback and unix sockets. Each test gets a
// new driver, and must not leak a descriptor or a goroutine; so the rest of the process must not
// open or close files meanwhile.
//
// If WEIR_SOAK is a duration, random relays follow for that long.
func Driver(t *testing.T, name string, newDriver func(env *stream.Env) stream.Driver) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		warmUp(t)
		runAll(t, plainTests, newDriver)
		runAll(t, tlsTests, newDriver)
		t.Run("soak", func(t *testing.T) { soak(t, newDriver) })
	})
}

// TLS runs the part of the contract suite that is about TLS.
func TLS(t *testing.T, name string, newDriver func(env *stream.Env) stream.Driver) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		warmUp(t)
		runAll(t, tlsTests, newDriver)
	})
}

func runAll(t *testing.T, topics [][]driverTest, newDriver func(env *stream.Env) stream.Driver) {
	t.Helper()
	for _, topic := range topics {
		for _, tt := range topic {
			t.Run(tt.name, func(t *testing.T) { tt.run(newRig(t, newDriver)) })
		}
	}
}

// warmUp opens the descriptors that the process opens once, such as its poller.
func warmUp(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}

// checkLeaks makes the end of the test wait until the test has no descriptor and no
// goroutine left.
func checkLeaks(t *testing.T) {
	t.Helper()
	before, running := openFiles(t), goleak.IgnoreCurrent()
	t.Cleanup(func() {
		if t.Failed() {
			return
		}
		testwait.Eventually(t, "all descriptors are closed", func() bool { return openFiles(t) <= before })
		var leak error
		if !testwait.Within(testwait.Patience, func() bool { leak = goleak.Find(running); return leak == nil }) {
			t.Error(leak)
		}
	})
}

// openFiles returns the number of open descriptors of the process.
func openFiles(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("descriptors cannot be counted here: ", err)
	}
	return len(list)
}
