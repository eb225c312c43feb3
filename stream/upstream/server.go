package upstream

// A server contains the peers of one configured name: the addresses that it resolved to.
type server struct {
	name    string
	weight  int     // of one peer; the largest if the name is configured twice
	members []int32 // indexes in the list
}

// serversOf groups the peers of a list by server, in the order of first appearance.
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
