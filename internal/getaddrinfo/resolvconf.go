package getaddrinfo

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The limits of the C library for what resolv.conf says, and its defaults.
const (
	maxServers      = 3
	maxNdots        = 15
	maxTimeout      = 30
	maxAttempts     = 5
	defaultTimeout  = 5
	defaultAttempts = 2
)

// resolvConf is what resolv.conf and the environment say.
type resolvConf struct {
	servers  []netip.AddrPort
	search   []string // domains to append
	sortlist []netip.Prefix
	ndots    int // a name with fewer dots is searched for in the domains first
	timeout  int // seconds
	attempts int
	rotate   bool
	tcp      bool // use-vc
	edns0    bool
	single   bool // single-request, or single-request-reopen: one question after the other
	noAAAA   bool
	noTLD    bool // a name without dots is asked for in domains only
}

// resolvConf reads resolv.conf.
func (s *system) resolvConf() *resolvConf {
	c := &resolvConf{ndots: 1, timeout: defaultTimeout, attempts: defaultAttempts}
	text, _ := s.read("resolv.conf")
	for line := range strings.Lines(text) {
		c.line(strings.TrimSuffix(line, "\n"), s.dnsPort)
	}
	if domains := s.getenv("LOCALDOMAIN"); domains != "" {
		c.search = blanks(domains)
	}
	c.options(s.getenv("RES_OPTIONS"))
	if len(c.servers) == 0 {
		c.servers = []netip.AddrPort{netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), s.dnsPort)}
	}
	c.servers = c.servers[:min(len(c.servers), maxServers)]
	if len(c.search) == 0 {
		c.search = s.ownDomain()
	}
	return c
}

// ownDomain is the domain in the name of the machine.
func (s *system) ownDomain() []string {
	name, err := s.hostname()
	if err != nil {
		return nil
	}
	if _, domain, ok := strings.Cut(name, "."); ok {
		return []string{domain}
	}
	return nil
}

// blanks splits text at spaces and tabs, and at nothing else.
func blanks(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == '\t' })
}

// line takes one line: a keyword at its very beginning, a blank, and words.
func (c *resolvConf) line(line string, port uint16) {
	end := strings.IndexAny(line, " \t")
	if end < 0 {
		return
	}
	words := blanks(line[end:])
	if len(words) == 0 {
		return
	}
	switch line[:end] {
	case "nameserver":
		if ip, ok := parseServer(words[0]); ok {
			c.servers = append(c.servers, netip.AddrPortFrom(ip, port))
		}
	case "domain":
		c.search = words[:1]
	case "search":
		c.search = words
	case "sortlist":
		c.addSortlist(words)
	case "options":
		c.options(line[end:])
	}
}

// parseServer reads the address of a name server. A scope that is not known is ignored.
func parseServer(text string) (netip.Addr, bool) {
	if ip, ok := Numeric(text); ok {
		return ip, true
	}
	text, _, _ = strings.Cut(text, "%")
	return Numeric(text)
}

// addSortlist takes networks "ADDRESS/MASK"; without a mask, that of the address's class.
func (c *resolvConf) addSortlist(words []string) {
	for _, word := range words {
		if word[0] == ';' {
			return
		}
		text, mask, _ := strings.Cut(strings.ReplaceAll(word, "&", "/"), "/")
		ip, ok := parseIPv4(text)
		if !ok {
			continue
		}
		size := classOf(ip)
		if m, ok := parseIPv4(mask); ok {
			size = leadingOnes(m)
		}
		c.sortlist = append(c.sortlist, netip.PrefixFrom(ip, size))
	}
}

// classOf returns the length of the network of an address by its class.
func classOf(ip netip.Addr) int {
	switch first := ip.As4()[0]; {
	case first < 128:
		return 8
	case first < 192:
		return 16
	}
	return 24
}

func leadingOnes(mask netip.Addr) (n int) {
	for _, b := range mask.As4() {
		for ; b&0x80 != 0; b <<= 1 {
			n++
		}
	}
	return n
}

// options takes the words of an options line. An option is recognised by its beginning.
func (c *resolvConf) options(text string) {
	flags := []struct {
		name string
		flag *bool
	}{
		{"rotate", &c.rotate}, {"edns0", &c.edns0}, {"single-request", &c.single}, {"use-vc", &c.tcp}, {"no-aaaa", &c.noAAAA},
		{"no_tld_query", &c.noTLD}, {"no-tld-query", &c.noTLD},
	}
	for _, word := range blanks(text) {
		name, value, _ := strings.Cut(word, ":")
		switch name {
		case "ndots":
			c.ndots = leadingNumber(value, 0, maxNdots)
		case "timeout":
			c.timeout = leadingNumber(value, 1, maxTimeout)
		case "attempts":
			c.attempts = leadingNumber(value, 1, maxAttempts)
		}
		for _, f := range flags {
			*f.flag = *f.flag || strings.HasPrefix(word, f.name)
		}
	}
}

// leadingNumber reads the digits at the beginning of text, within least and most.
func leadingNumber(text string, least, most int) int {
	end := 0
	for end < len(text) && '0' <= text[end] && text[end] <= '9' {
		end++
	}
	n, err := strconv.Atoi(text[:end])
	if err != nil && end > 0 {
		n = most
	}
	return min(max(n, least), most)
}

// rotated returns the servers, from another one each time if the file asks for that.
func (c *resolvConf) rotated() []netip.AddrPort {
	if !c.rotate {
		return c.servers
	}
	first := rand.IntN(len(c.servers))
	return slices.Concat(c.servers[first:], c.servers[:first])
}

// wait is how long the i-th server may take to answer.
func (c *resolvConf) wait(i int) time.Duration {
	seconds := c.timeout << i
	if i > 0 {
		seconds /= len(c.servers)
	}
	return time.Duration(max(seconds, 1)) * time.Second
}

// sort puts IPv4 addresses in the order of the networks of sortlist.
func (c *resolvConf) sort(addrs []netip.Addr) {
	rank := func(ip netip.Addr) int {
		for i, network := range c.sortlist {
			if network.Contains(ip) {
				return i
			}
		}
		return len(c.sortlist)
	}
	slices.SortStableFunc(addrs, func(a, b netip.Addr) int { return rank(a) - rank(b) })
}
