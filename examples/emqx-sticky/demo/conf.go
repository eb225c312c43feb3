package main

import (
	"errors"
	"regexp"
	"strconv"
)

// peer is one "server" line of the example's upstream group.
type peer struct {
	addr   string // host:port, as written
	weight int
}

// layout is the part of nginx.conf that the demo needs: where clients connect and the addresses of
// the brokers.
type layout struct {
	listen string // host:port on which a local client reaches weir
	peers  []peer
}

var (
	listenLine = regexp.MustCompile(`(?m)^\s*listen\s+(\d+)\s*;`)
	serverLine = regexp.MustCompile(`(?m)^\s*server\s+([\w.]+:\d+)(?:\s+weight=(\d+))?[^;{]*;`)
)

// parseLayout finds the listening port and the brokers in the text of an nginx.conf laid out like the example's:
// one directive a line, "listen PORT;" and "server ADDRESS:PORT [weight=N] ...;".
func parseLayout(conf string) (layout, error) {
	listen := listenLine.FindStringSubmatch(conf)
	if listen == nil {
		return layout{}, errors.New(`no "listen PORT;" line`)
	}
	l := layout{listen: "127.0.0.1:" + listen[1]}
	for _, m := range serverLine.FindAllStringSubmatch(conf, -1) {
		l.peers = append(l.peers, peer{addr: m[1], weight: weightOf(m[2])})
	}
	if len(l.peers) < 2 {
		return layout{}, errors.New(`fewer than two "server ADDRESS:PORT ...;" lines`)
	}
	return l, nil
}

// weightOf returns the number in a weight parameter, or nginx's default of 1.
func weightOf(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 1
	}
	return n
}
