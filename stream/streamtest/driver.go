package streamtest

import (
	"net"
	"os"
	"testing"

	"go.uber.org/goleak"

	"weir/stream"
)

// driverTest is one clause of the contract.
type driverTest struct {
	name string
	run  func(*rig)
}

// driverTests is the contract of stream.Driver and of the steps, by the topics of the files driver_*.go.
var driverTests = [][]driverTest{
	relayTests, endTests, pressureTests, rateTests, connectTests, clientTests, portTests, abortTests, resolveTests, goneTests, aheadTests, shakeTests, shakeFailures,
}

// Driver runs the contract suite against a driver, over loopback and unix sockets. Each clause gets a new driver, and must leave
// no descriptor and no goroutine behind; so nothing else of the process may open or close files meanwhile.
//
// With WEIR_SOAK set to a duration, random relays follow for that long.
func Driver(t *testing.T, name string, newDriver func(env *stream.Env) stream.Driver) {
	t.Run(name, func(t *testing.T) {
		warmUp(t)
		for _, topic := range driverTests {
			for _, tt := range topic {
				t.Run(tt.name, func(t *testing.T) { tt.run(newRig(t, newDriver)) })
			}
		}
		t.Run("soak", func(t *testing.T) { soak(t, newDriver) })
	})
}

// warmUp makes the process open what it opens once, such as its poller.
func warmUp(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}

// checkLeaks makes the end of the test wait for everything that has been opened and started in it to be gone.
func checkLeaks(t *testing.T) {
	t.Helper()
	before, running := openFiles(t), goleak.IgnoreCurrent()
	t.Cleanup(func() {
		if t.Failed() {
			return
		}
		eventually(t, "all descriptors are closed", func() bool { return openFiles(t) <= before })
		goleak.VerifyNone(t, running)
	})
}

// openFiles counts the descriptors of the process.
func openFiles(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("descriptors can not be counted here: ", err)
	}
	return len(list)
}
