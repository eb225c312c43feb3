package conformance

import (
	"fmt"
	"strconv"
	"strings"

	"weir/conformance/peers"
)

func (r *run) ring(args []string) (string, error)  { return r.choice(args, peers.Consistent) }
func (r *run) plain(args []string) (string, error) { return r.choice(args, peers.Plain) }

func (r *run) other(args []string) (string, error) {
	chosen, err := r.ring(args)
	if err != nil {
		return "", err
	}
	if len(args) != 3 {
		return "", fmt.Errorf("want KEY PEER PEER")
	}
	if chosen == args[1] {
		return args[2], nil
	}
	return args[1], nil
}

func (r *run) keyFor(args []string) (string, error) {
	for i := range 1000 { // far more than the smallest share of a ring can miss
		key := fmt.Sprintf("device-%d", i)
		chosen, err := r.ring(append([]string{key}, args[1:]...))
		if err != nil || chosen == args[0] {
			return key, err
		}
	}
	return "", fmt.Errorf("no key belongs to %s", args[0])
}

// choice asks a model of a hash method which peer a key belongs to.
func (r *run) choice(args []string, model func([]peers.Member, string) string) (string, error) {
	if len(args) < 2 {
		return "", fmt.Errorf("want KEY PEER …")
	}
	names := map[string]string{}
	var members []peers.Member
	for _, word := range args[1:] {
		name, weight, weighted := strings.Cut(word, "*")
		if !weighted {
			weight = "1"
		}
		n, err := strconv.Atoi(weight)
		if err != nil {
			return "", err
		}
		addr, err := r.peerAddr([]string{name})
		if err != nil {
			return "", err
		}
		names[addr] = name
		members = append(members, peers.Member{Server: addr, Weight: n})
	}
	return names[model(members, args[0])], nil
}
