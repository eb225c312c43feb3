package proxy

import (
	"fmt"
	"strings"
	"time"

	"weir/stream"
	"weir/stream/upstream"
)

// A Destination is the target of proxy_pass: one group, or the value of a string with variables.
type Destination struct {
	Group    *upstream.Group
	Variable *stream.Template                    // if Group is nil
	Named    map[string]*upstream.Group          // every group of the configuration, by name in lower case
	Parse    func(text string) (Endpoint, error) // for a text that names no group
	Names    Resolving
}

// group returns the group that serves s, or the endpoint that is not resolved yet. A destination
// with variables follows ngx_stream_proxy_eval: a group's name first, then a literal address, then
// a host name.
func (d *Destination) group(s *stream.Session) (*upstream.Group, Endpoint, error) {
	if d.Group != nil {
		return d.Group, Endpoint{}, nil
	}
	text := d.Variable.Eval(s)
	if g := d.Named[strings.ToLower(text)]; g != nil {
		return g, Endpoint{}, nil
	}
	p, err := d.Parse(text)
	if err != nil || p.Host != "" {
		return nil, p, err
	}
	if p.Addr.Unix && !d.Variable.PathIsConfigured(s, "unix:") {
		return nil, p, fmt.Errorf("unix socket path from client data in upstream \"%s\"", text)
	}
	return p.single(), p, nil
}

// DefaultFailTimeout is the fail_timeout of a server outside any upstream block.
const DefaultFailTimeout = 10 * time.Second
