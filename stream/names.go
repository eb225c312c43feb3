package stream

import (
	"errors"
	"strings"
)

// ServerNames maps requested host names to the servers of one listening address. It is filled while
// compiling and read-only afterwards. The zero ServerNames is empty.
//
// See server_name in https://nginx.org/en/docs/stream/ngx_stream_core_module.html.
type ServerNames struct {
	exact    map[string]*Server // nil means the name is reserved but has no server
	heads    map[string]*Server // key "example.com" for *.example.com and .example.com
	tails    map[string]*Server // key "www.example" for www.example.*
	patterns []patternName
}

type patternName struct {
	pattern *Regex
	server  *Server
}

// The errors of Add.
var (
	ErrBadName   = errors.New("invalid server name or wildcard")
	ErrNameTaken = errors.New("conflicting server name")
)

// Add maps a name, in lower case, to a server. It follows ngx_hash_add_key: an existing name keeps
// its server, and ".example.com" is two names, of which the first may already exist as an exact
// name.
func (n *ServerNames) Add(name string, server *Server) error {
	stars := strings.Count(name, "*")
	if stars > 1 || strings.Contains(name, "..") || strings.Contains(name, "\x00") {
		return ErrBadName
	}
	switch {
	case len(name) > 1 && name[0] == '.':
		return n.addDomain(name[1:], server)
	case len(name) > 2 && strings.HasPrefix(name, "*."):
		return claim(&n.heads, name[2:], server)
	case len(name) > 2 && strings.HasSuffix(name, ".*"):
		return claim(&n.tails, name[:len(name)-2], server)
	case stars > 0:
		return ErrBadName
	}
	return claim(&n.exact, name, server)
}

// addDomain adds a domain and all names below it. If the names below it already exist, the domain
// is reserved without a server.
func (n *ServerNames) addDomain(domain string, server *Server) error {
	if err := claim(&n.exact, domain, server); err != nil {
		return err
	}
	err := claim(&n.heads, domain, server)
	if err != nil {
		n.exact[domain] = nil
	}
	return err
}

func claim(names *map[string]*Server, name string, server *Server) error {
	if _, taken := (*names)[name]; taken {
		return ErrNameTaken
	}
	if *names == nil {
		*names = map[string]*Server{}
	}
	(*names)[name] = server
	return nil
}

// AddPattern maps the names that re matches to a server. Patterns are tried in the order in which
// they were added.
func (n *ServerNames) AddPattern(re *Regex, server *Server) {
	n.patterns = append(n.patterns, patternName{re, server})
}

// find returns the server of a name in the form of HostName: by exact name, then by the longest
// leading wildcard, the longest trailing wildcard, and the first matching pattern. It returns nil
// if there is none.
func (n *ServerNames) find(s *Session, name string) *Server {
	if server := n.exact[name]; server != nil {
		return server
	}
	if server := n.byHead(name); server != nil {
		return server
	}
	if server := n.byTail(name); server != nil {
		return server
	}
	for _, p := range n.patterns {
		if p.pattern.Match(s, name) {
			return p.server
		}
	}
	return nil
}

func (n *ServerNames) byHead(name string) *Server {
	if len(n.heads) == 0 {
		return nil
	}
	for {
		_, domain, ok := strings.Cut(name, ".")
		if !ok {
			return nil
		}
		if server := n.heads[domain]; server != nil {
			return server
		}
		name = domain
	}
}

func (n *ServerNames) byTail(name string) *Server {
	if len(n.tails) == 0 {
		return nil
	}
	for {
		dot := strings.LastIndexByte(name, '.')
		if dot < 0 {
			return nil
		}
		name = name[:dot]
		if server := n.tails[name]; server != nil {
			return server
		}
	}
}

// HostName normalizes a requested name for the comparison with server names: lower case, no port,
// no trailing dot. ok is false if text cannot be a name. It follows ngx_stream_validate_host.
func HostName(text string) (name string, ok bool) {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] == '/' || text[i] == 0x7f {
			return "", false
		}
	}
	if strings.Contains(text, "..") {
		return "", false
	}
	name = strings.TrimSuffix(withoutPort(text), ".")
	return lowerASCII(name), name != ""
}

func withoutPort(text string) string {
	if strings.HasPrefix(text, "[") {
		if end := strings.IndexByte(text, ']'); end > 0 {
			return text[:end+1]
		}
		return text
	}
	host, _, _ := strings.Cut(text, ":")
	return host
}

// lowerASCII is strings.ToLower for bytes of any encoding.
func lowerASCII(text string) string {
	if strings.IndexFunc(text, isUpperASCII) < 0 {
		return text
	}
	b := []byte(text)
	for i, c := range b {
		if isUpperASCII(rune(c)) {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

func isUpperASCII(c rune) bool { return 'A' <= c && c <= 'Z' }

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
	name, ok := HostName(host)
	if !ok {
		return false
	}
	server := names.find(s, name)
	if server == nil {
		return false
	}
	s.Server = server
	return true
}
