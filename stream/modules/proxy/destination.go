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
	Variable *stream.Template                    // when Group is nil
	Named    map[string]*upstream.Group          // every group of the configuration, by its name in lower case
	Parse    func(text string) (Endpoint, error) // of what names no group
	Names    Resolving
}

// group is the group that serves s, or the place for which one is still to be found. A destination from variables follows
// ngx_stream_proxy_eval: a group's name first, then a literal address, then a name.
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
		return nil, p, fmt.Errorf("unix socket of a client's choice in upstream \"%s\"", text)
	}
	return p.single(), p, nil
}

// DefaultFailTimeout is the fail_timeout of a server that no upstream block describes.
const DefaultFailTimeout = 10 * time.Second
