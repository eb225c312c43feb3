package stream

import "weir/internal/hostname"

// ServerNames maps requested host names to the servers of one listening address. It is filled while
// compiling and read-only afterwards. The zero ServerNames is empty.
//
// See server_name in https://nginx.org/en/docs/stream/ngx_stream_core_module.html.
type ServerNames = hostname.Map[*Server, Regex]

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
	server := names.Find(name, func(re *Regex) bool { return re.Match(s, name) })
	if server == nil {
		return false
	}
	s.changeServer(server)
	return true
}
