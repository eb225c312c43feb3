package realpeers

import (
	"encoding/json"
	"fmt"
	"strconv"
	"testing"

	"weir/conformance/program"
)

// startAedes runs js/broker.mjs: aedes with trustProxy.
func startAedes(t *testing.T) *broker {
	t.Helper()
	node := needNode(t)
	port := freePort(t)
	r := new(record)
	p := start(t, r.aedesLine, nil, node, "js/broker.mjs", strconv.Itoa(port))
	p.awaitText(t, program.Patience, `"listening"`)
	return newBroker(t, "aedes", fmt.Sprintf("127.0.0.1:%d", port), true, r)
}

// aedesLine records a line of js/broker.mjs.
func (r *record) aedesLine(line string) {
	var e struct {
		Event, ID, From string
		Header          byte
		Clean           bool
	}
	if json.Unmarshal([]byte(line), &e) != nil {
		return // a warning of Node.js
	}
	switch e.Event {
	case "met":
		r.connected(e.ID, e.From, e.Header)
	case "left":
		r.disconnected(e.Clean, byID(e.ID))
	}
}
