package upstream

// A server is the peers of one configured name: the addresses that it resolved to.
type server struct {
	name    string
	weight  int     // of one peer; the largest, should the name be configured twice
	members []int32 // places in the list
}

// serversOf gathers the peers of a list by server, in the order in which each appears first.
func serversOf(l *peerList) []server {
	var servers []server
	number := map[string]int{}
	for i, p := range l.peers {
		n, ok := number[p.Server]
		if !ok {
			n = len(servers)
			number[p.Server] = n
			servers = append(servers, server{name: p.Server})
		}
		s := &servers[n]
		s.weight = max(s.weight, p.Weight)
		s.members = append(s.members, int32(i))
	}
	return servers
}
