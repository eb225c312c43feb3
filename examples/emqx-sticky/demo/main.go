// Command demo shows how weir keeps MQTT clients on their brokers: it runs embedded brokers, weir
// in front of them with the example's nginx.conf, and a fleet of clients; then it keeps running for
// your own clients.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
)

// settings are the parsed command line.
type settings struct {
	weir  string
	conf  string
	fleet int
	once  bool
}

// errClaims ends a show in which a claim failed.
var errClaims = errors.New("what weir promises did not hold, see above")

func main() {
	var set settings
	flag.StringVar(&set.weir, "weir", "bin/weir", "the weir binary")
	flag.StringVar(&set.conf, "conf", "examples/emqx-sticky/nginx.conf", "its configuration: the brokers' addresses are taken from it")
	flag.IntVar(&set.fleet, "fleet", 300, "number of clients")
	flag.BoolVar(&set.once, "once", false, "end after the show")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer cancel()
	err := run(ctx, set)
	if err != nil && (set.once || ctx.Err() == nil || errors.Is(err, errClaims)) {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// run starts everything, plays the show, keeps running unless a flag disables that, and cleans up.
func run(ctx context.Context, set settings) error {
	if set.fleet < 1 {
		return fmt.Errorf("a fleet of %d clients cannot connect", set.fleet)
	}
	conf, lay, err := readConf(set.conf)
	if err != nil {
		return err
	}
	if err := checkPorts(set.conf, lay); err != nil {
		return err
	}
	s := &show{out: os.Stdout, layout: lay, visits: newVisitLog(), fleet: newFleet(lay.listen, set.fleet)}
	defer s.stopBrokers()
	if err := s.startBrokers(); err != nil {
		return err
	}
	w, err := startWeir(ctx, set.weir, conf, lay.listen)
	if err != nil {
		return err
	}
	defer w.stop()
	defer s.fleet.disconnect()
	fmt.Printf("weir (pid %d) listens on %s and logs to %s\n", w.cmd.Process.Pid, lay.listen, w.log(""))
	if err := s.run(ctx); err != nil {
		return fmt.Errorf("%w%s", err, w.lastWords())
	}
	if !set.once {
		err = serveUntilStopped(ctx, s, w)
	}
	if s.failed > 0 {
		return errClaims
	}
	return err
}

// readConf returns the configuration's text and the demo's layout of it.
func readConf(file string) (string, layout, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", layout{}, err
	}
	lay, err := parseLayout(string(text))
	if err != nil {
		return "", layout{}, fmt.Errorf("%s: %w", file, err)
	}
	return string(text), lay, nil
}

// checkPorts reports which addresses of the configuration are in use, and the remedy.
func checkPorts(file string, lay layout) error {
	addrs := []string{lay.listen}
	for _, p := range lay.peers {
		addrs = append(addrs, p.addr)
	}
	var busy []error
	for _, addr := range addrs {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			busy = append(busy, err)
			continue
		}
		l.Close()
	}
	if len(busy) == 0 {
		return nil
	}
	return fmt.Errorf("%w\nput free ports (below 10000) into the listen and server lines of %s, or of a copy given with -conf", errors.Join(busy...), file)
}

// startBrokers starts one broker for each server of the group.
func (s *show) startBrokers() error {
	for _, p := range s.layout.peers {
		b := &broker{addr: p.addr, visits: s.visits}
		if err := b.start(); err != nil {
			return err
		}
		s.brokers = append(s.brokers, b)
	}
	return nil
}

// stopBrokers stops the running brokers.
func (s *show) stopBrokers() {
	for _, b := range s.brokers {
		if err := b.stop(); err != nil {
			fmt.Fprintln(os.Stderr, "demo:", err)
		}
	}
}

// serveUntilStopped prints how to connect, reports every new client, and returns when the user stops it or weir
// ends.
func serveUntilStopped(ctx context.Context, s *show, w *weir) error {
	host, port, err := net.SplitHostPort(s.layout.listen)
	if err != nil {
		return err
	}
	s.visits.watch(func(v visit) {
		fmt.Printf("%s, from %s, met broker %s\n", v.client, v.from, v.broker)
	})
	s.title("All stays up: connect clients of your own; Ctrl-C ends it.\n"+
		"  mosquitto_sub -h %[1]s -p %[2]s -i %[3]s -t 'hello/#' -v\n"+
		"  mosquitto_pub -h %[1]s -p %[2]s -i %[3]s -q 1 -t hello/world -m hi", host, port, star)
	select {
	case <-ctx.Done():
		return nil
	case <-w.exited:
		return fmt.Errorf("weir ended with %v", w.cmd.ProcessState)
	}
}
