package proxy

import (
	"fmt"
	"strings"
	"time"

	"weir/stream"
	"weir/stream/upstream"
)

// A Destination says where proxy_pass goes: to one group, or wherever a string with variables points.
type Destination struct {
	Group    *upstream.Group
	Variable *stream.Template                                             // when Group is nil
	Named    map[string]*upstream.Group                                   // every group of the configuration, by its name in lower case
	Parse    func(text string) (addr stream.Addr, host string, err error) // an address without a name to resolve; else host is the name
}

// group is the group that serves s. A destination from variables follows ngx_stream_proxy_eval: a group's name first, then a
// literal address.
func (d *Destination) group(s *stream.Session) (*upstream.Group, error) {
	if d.Group != nil {
		return d.Group, nil
	}
	text := d.Variable.Eval(s)
	if g := d.Named[strings.ToLower(text)]; g != nil {
		return g, nil
	}
	addr, host, err := d.Parse(text)
	if err != nil {
		return nil, err
	}
	if host != "" {
		return nil, fmt.Errorf("no resolver defined to resolve %s", host)
	}
	return single(text, addr), nil
}

// single is the group of one address, for one session.
func single(name string, addr stream.Addr) *upstream.Group {
	p := &upstream.Peer{Server: name, Name: addr.String(), Addr: addr, Weight: 1, MaxFails: 1, FailTimeout: DefaultFailTimeout}
	return upstream.NewGroup(name, []*upstream.Peer{p}, upstream.RoundRobin)
}

// DefaultFailTimeout is the fail_timeout of a server that no upstream block describes.
const DefaultFailTimeout = 10 * time.Second
