//go:build linux

package load

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// broker starts a broker that ends with the test, and returns a target for it.
func broker(t *testing.T) *Target {
	t.Helper()
	b, err := Listen(0, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- b.Serve() }()
	t.Cleanup(func() {
		b.Stop()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return &Target{Addrs: []netip.AddrPort{b.Addr()}, Sources: []netip.Addr{netip.MustParseAddr("127.0.1.1"), netip.MustParseAddr("127.0.1.2")}}
}

// A counter is a meter that counts its calls.
type counter struct{ begins, ends int }

func (c *counter) Begin() error { c.begins++; return nil }
func (c *counter) End() error   { c.ends++; return nil }

func TestTestsRunAgainstTheBroker(t *testing.T) {
	tests := []struct {
		name string
		test interface {
			Run(context.Context, *Target) (Result, error)
		}
		ops       float64
		latencies int64
	}{
		{"storm", Storm{Sessions: 50, AtOnce: 8}, 50, 50},
		{"one session at a time", Storm{Sessions: 3, AtOnce: 1}, 3, 3},
		{"ping pong", PingPong{Sessions: 4, RoundTrips: 40, Size: 128}, 40, 40},
		{"ping pong with packets longer than a segment", PingPong{Sessions: 2, RoundTrips: 6, Size: 100_000}, 6, 6},
		{"fan in", FanIn{Sessions: 5, Messages: 50, Rate: 1000, Size: 128}, 50, 50},
		{"fan in, rounded up", FanIn{Sessions: 4, Messages: 9, Rate: 1000, Size: 128}, 12, 12},
		{"up", Bulk{Sessions: 2, Bytes: 8 << 20}, 8.0 / 1024, 0},
		{"down", Bulk{Sessions: 2, Bytes: 8 << 20, Down: true}, 8.0 / 1024, 0},
		{"datagrams, each of a new client", DatagramStorm{Sessions: 50, AtOnce: 8, Size: 128}, 50, 50},
		{"exchange", Exchange{Sessions: 4, RoundTrips: 41, Size: 128}, 41, 41},
		{"exchange of the shortest datagrams", Exchange{Sessions: 2, RoundTrips: 6, Size: minDatagram}, 6, 6},
		{"idle", Idle{Sessions: 100, Settle: time.Millisecond}, 100, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			target, meter := broker(t), &counter{}
			target.Meter = meter
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			got, err := tt.test.Run(ctx, target)
			if err != nil {
				t.Fatal(err)
			}
			if got.Ops != tt.ops {
				t.Errorf("operations: got %v, want %v", got.Ops, tt.ops)
			}
			if got.Latency != nil && got.Latency.Count() != tt.latencies {
				t.Errorf("latencies: got %v, want %v", got.Latency.Count(), tt.latencies)
			}
			if *meter != (counter{1, 1}) {
				t.Errorf("meter: got %+v, want one Begin and one End", *meter)
			}
		})
	}
}

// The proxy answers with the address from the PROXY header.
func TestAskChecksAnswers(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			line, _ := bufio.NewReader(c).ReadString('\n')
			io.WriteString(c, strings.Fields(line)[2])
			c.Close()
		}
	}()
	target := &Target{Addrs: []netip.AddrPort{netip.MustParseAddrPort(l.Addr().String())}}
	from := netip.MustParseAddr("10.1.2.3")
	got, err := Ask{Sessions: 20, AtOnce: 4, Asks: []Question{{from, "10.1.2.3"}}}.Run(t.Context(), target)
	if err != nil || got.Ops != 20 || got.Latency.Count() != 20 {
		t.Errorf("got %v operations, %v, want 20", got.Ops, err)
	}
	if _, err := (Ask{Sessions: 2, AtOnce: 1, Asks: []Question{{from, "10.1.2.4"}}}).Run(t.Context(), target); err == nil {
		t.Error("got no error, want that the answer is wrong")
	}
}

func TestTestEndsWithItsContext(t *testing.T) {
	target := broker(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := (FanIn{Sessions: 2, Messages: 1_000_000, Rate: 10, Size: 128}).Run(ctx, target); err == nil {
		t.Error("got no error, want one for the end of the context")
	}
}

func TestTestFailsWithoutABroker(t *testing.T) {
	target := &Target{Addrs: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:1")}}
	if _, err := (Storm{Sessions: 1, AtOnce: 1}).Run(t.Context(), target); err == nil {
		t.Error("got no error, want a failed connection")
	}
	if _, err := (DatagramStorm{Sessions: 1, AtOnce: 1, Size: 128}).Run(t.Context(), target); err == nil {
		t.Error("datagrams: got no error, want a failed connection")
	}
}

func TestHistogramKeepsPercentiles(t *testing.T) {
	var h Histogram
	for i := range 10_000 {
		h.Add(time.Duration(i) * time.Microsecond)
	}
	for p, want := range map[float64]time.Duration{50: 5000, 99: 9900, 100: 9999} {
		got := h.Percentile(p) / time.Microsecond
		if got < want*96/100 || got > want*101/100 {
			t.Errorf("percentile %v: got %v µs, want about %v µs", p, int(got), int(want))
		}
	}
}

func TestResultsAdd(t *testing.T) {
	var sum Result
	for _, d := range []time.Duration{time.Millisecond, 3 * time.Millisecond} {
		var h Histogram
		h.Add(d)
		sum.Add(Result{Ops: 1, Elapsed: d, Latency: &h})
	}
	if sum.Ops != 2 || sum.Elapsed != 4*time.Millisecond || sum.Latency.Count() != 2 {
		t.Errorf("got %v operations in %v, %d of them with a latency", sum.Ops, sum.Elapsed, sum.Latency.Count())
	}
	for _, p := range []float64{50, 100} {
		want := time.Duration(p/50*2-1) * time.Millisecond
		if got := sum.Latency.Percentile(p); got < want*97/100 || got > want {
			t.Errorf("%v percent took up to %v, want %v", p, got, want)
		}
	}
}
