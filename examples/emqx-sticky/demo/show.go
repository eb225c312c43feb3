package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"time"
)

const (
	// lossTimeout is the timeout for clients to notice the loss of their broker.
	lossTimeout = 10 * time.Second
	// homeTimeout is the timeout for clients to return to their brokers: above nginx's default
	// fail_timeout of 10 s.
	homeTimeout = 30 * time.Second
	// homeInterval is how often one of them tries.
	homeInterval = 250 * time.Millisecond
)

// show runs the fleet through weir's promises and prints whether each one held.
type show struct {
	out     io.Writer
	layout  layout
	visits  *visitLog
	brokers []*broker
	fleet   *fleet
	homes   map[string]string // client identifier to the address of its first broker
	failed  int               // number of failed claims
}

// run plays all acts. An error means that an act could not be completed.
func (s *show) run(ctx context.Context) error {
	for _, act := range []func(context.Context) error{s.connectAll, s.reconnectAll, s.loseBroker, s.restoreBroker} {
		if err := act(ctx); err != nil {
			return err
		}
	}
	return nil
}

// connectAll connects all clients for the first time and records their brokers.
func (s *show) connectAll(ctx context.Context) error {
	s.title("%d clients connect", len(s.fleet.members))
	if err := s.fleet.connect(ctx, s.fleet.members); err != nil {
		return err
	}
	s.homes = make(map[string]string)
	for _, m := range s.fleet.members {
		s.homes[m.id] = s.visits.visitOf(m.id).broker
	}
	s.table()
	s.claimAddresses(s.fleet.members)
	return nil
}

// reconnectAll connects all clients from other addresses; all must reach the same broker as before.
func (s *show) reconnectAll(ctx context.Context) error {
	s.title("The same %d clients connect again, from other addresses and ports", len(s.fleet.members))
	before := make(map[string]string)
	for _, m := range s.fleet.members {
		before[m.id] = m.from
	}
	if err := s.fleet.connect(ctx, s.fleet.members); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%s came from %s, and now from %s\n", star, before[star], s.fleet.members[0].from)
	moved := filter(s.fleet.members, func(m *member) bool { return hostOf(before[m.id]) != hostOf(m.from) })
	s.claim(len(moved) == len(s.fleet.members), "%d of %d have another address", len(moved), len(s.fleet.members))
	s.claimAddresses(s.fleet.members)
	s.checkAllHome(s.fleet.members, "met the same broker")
	return nil
}

// loseBroker stops the star's broker; its clients must find another one, and no other client may
// notice.
func (s *show) loseBroker(ctx context.Context) error {
	gone := s.starBroker()
	s.title("Broker %s stops", gone.addr)
	orphans := filter(s.fleet.members, func(m *member) bool { return s.homes[m.id] == gone.addr })
	if err := gone.stop(); err != nil {
		return err
	}
	if err := awaitLoss(ctx, orphans); err != nil {
		return err
	}
	if err := s.fleet.connect(ctx, orphans); err != nil {
		return err
	}
	s.table()
	found := filter(orphans, func(m *member) bool { return s.visits.visitOf(m.id).broker != gone.addr })
	s.claim(len(found) == len(orphans), "%d of its %d clients found another broker", len(found), len(orphans))
	others := filter(s.fleet.members, func(m *member) bool { return s.homes[m.id] != gone.addr })
	stayed := filter(others, (*member).connected)
	s.claim(len(stayed) == len(others), "%d of %d other clients kept their connection", len(stayed), len(others))
	s.claimAddresses(orphans)
	return nil
}

// restoreBroker starts the star's broker again and connects its clients until they reach it again.
func (s *show) restoreBroker(ctx context.Context) error {
	back := s.starBroker()
	s.title("Broker %s is back", back.addr)
	if err := back.start(); err != nil {
		return err
	}
	away := filter(s.fleet.members, func(m *member) bool { return s.homes[m.id] == back.addr })
	family, began := len(away), time.Now()
	poll := time.NewTicker(homeInterval)
	defer poll.Stop()
	for len(away) > 0 && time.Since(began) < homeTimeout {
		var err error
		if away, err = s.reconnectAway(ctx, away); err != nil {
			return err
		}
		if len(away) > 0 {
			<-poll.C
		}
	}
	s.table()
	s.claim(len(away) == 0, "%d of %d clients came home, %.1f s after it", family-len(away), family, time.Since(began).Seconds())
	s.checkAllHome(s.fleet.members, "are with their first broker")
	return nil
}

// reconnectAway reconnects one client of those away, and if it reached its home all others too. It
// returns those that are still away.
func (s *show) reconnectAway(ctx context.Context, away []*member) ([]*member, error) {
	if err := s.fleet.connect(ctx, away[:1]); err != nil {
		return away, err
	}
	if s.atHome(away[0]) {
		if err := s.fleet.connect(ctx, away[1:]); err != nil {
			return away, err
		}
	}
	return filter(away, func(m *member) bool { return !s.atHome(m) }), nil
}

// awaitLoss waits until every member has noticed that its connection is closed.
func awaitLoss(ctx context.Context, ms []*member) error {
	ctx, cancel := context.WithTimeout(ctx, lossTimeout)
	defer cancel()
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	for slices.ContainsFunc(ms, (*member).connected) {
		select {
		case <-poll.C:
		case <-ctx.Done():
			return fmt.Errorf("clients of the stopped broker are still connected: %w", ctx.Err())
		}
	}
	return nil
}

// starBroker returns the first broker of the star.
func (s *show) starBroker() *broker {
	i := slices.IndexFunc(s.brokers, func(b *broker) bool { return b.addr == s.homes[star] })
	return s.brokers[i]
}

// atHome reports whether the member's latest visit was to its first broker.
func (s *show) atHome(m *member) bool {
	return s.visits.visitOf(m.id).broker == s.homes[m.id]
}

// checkAllHome claims that all of ms are at their first broker.
func (s *show) checkAllHome(ms []*member, verb string) {
	home := filter(ms, s.atHome)
	s.claim(len(home) == len(ms), "%d of %d %s", len(home), len(ms), verb)
}

// claimAddresses claims that the brokers know the own addresses of ms, which only the PROXY header
// contains.
func (s *show) claimAddresses(ms []*member) {
	known := filter(ms, func(m *member) bool { return s.visits.visitOf(m.id).from == m.from })
	s.claim(len(known) == len(ms), "%d of %d are known to their broker by their own address", len(known), len(ms))
}

// title prints the title of an act.
func (s *show) title(format string, args ...any) {
	fmt.Fprintf(s.out, "\n"+format+"\n", args...)
}

// claim prints whether a claim held, and counts failures.
func (s *show) claim(held bool, format string, args ...any) {
	verdict := "  ok    "
	if !held {
		verdict = "  FAIL  "
		s.failed++
	}
	fmt.Fprintf(s.out, verdict+format+"\n", args...)
}

// table prints the number of clients of every broker, and the star's broker.
func (s *show) table() {
	count := make(census)
	for _, m := range s.fleet.members {
		count[s.visits.visitOf(m.id).broker]++
	}
	printCensus(s.out, s.layout.peers, count)
	fmt.Fprintf(s.out, "%s is at %s\n", star, s.visits.visitOf(star).broker)
}

// filter returns the members that match keep.
func filter(ms []*member, keep func(*member) bool) []*member {
	return slices.DeleteFunc(slices.Clone(ms), func(m *member) bool { return !keep(m) })
}

// hostOf returns the host of a host:port address, or "" if there is none.
func hostOf(addr string) string {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return ""
	}
	return host
}
