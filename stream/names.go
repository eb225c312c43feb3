package stream

import "weir/internal/hostname"

// ServerNames maps requested host names to the servers of one listening address. It is filled while
// compiling and read-only afterwards. The zero ServerNames is empty.
//
// See server_name in https://nginx.org/en/docs/stream/ngx_stream_core_module.html.
type ServerNames struct {
	names    hostname.Table // the index in servers
	servers  []*Server
	patterns []patternName
}

type patternName struct {
	pattern *Regex
	server  *Server
}

// Add maps a name or wildcard to a server. The error is that of hostname.Table: an existing name
// keeps its server.
func (n *ServerNames) Add(name string, server *Server) error {
	if last := len(n.servers) - 1; last < 0 || n.servers[last] != server {
		n.servers = append(n.servers, server)
	}
	return n.names.Add(name, uint32(len(n.servers)-1))
}

// AddPattern maps the names that re matches to a server. Patterns are tried in the order in which
// they were added.
func (n *ServerNames) AddPattern(re *Regex, server *Server) {
	n.patterns = append(n.patterns, patternName{re, server})
}

// find returns the server of a normalized name: by the table of names, otherwise by the first
// matching pattern. It returns nil if there is none.
func (n *ServerNames) find(s *Session, name string) *Server {
	if i, ok := n.names.Find(name); ok {
		return n.servers[i]
	}
	for _, p := range n.patterns {
		if p.pattern.Match(s, name) {
			return p.server
		}
	}
	return nil
}

// SelectServer continues with the server of that name on the session's address, and reports whether
// there is one; otherwise the session keeps its server. The name is the one that a client requests
// by TLS. Handlers of the current phase that have run do not run again.
//
// It follows ngx_stream_find_virtual_server.
func (s *Session) SelectServer(host string) bool {
	names := s.arrival().Names
	if names == nil {
		return false
	}
	name, ok := hostname.Normalize(host)
	if !ok {
		return false
	}
	server := names.find(s, name)
	if server == nil {
		return false
	}
	s.changeServer(server)
	return true
}
