package getaddrinfo

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The limits of the C library for resolv.conf, and its defaults.
const (
	maxServers      = 3
	maxNdots        = 15
	maxTimeout      = 30
	maxAttempts     = 5
	defaultTimeout  = 5
	defaultAttempts = 2
)

// resolvConf contains the settings of resolv.conf and the environment.
type resolvConf struct {
	servers  []netip.AddrPort
	search   []string // domains to append
	sortlist []netip.Prefix
	ndots    int // a name with fewer dots is first searched in the domains
	timeout  int // seconds
	attempts int
	rotate   bool
	tcp      bool // use-vc
	edns0    bool
	single   bool // single-request, or single-request-reopen: one question at a time
	noAAAA   bool
	noTLD    bool // a name without dots is only asked for in domains
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

// ownDomain returns the domain of the host name.
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

// blanks splits text only at spaces and tabs.
func blanks(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == '\t' })
}

// line parses one line: a keyword at its very beginning, a blank, and words.
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

// parseServer parses the address of a name server. An unknown scope is ignored.
func parseServer(text string) (netip.Addr, bool) {
	if ip, ok := Numeric(text); ok {
		return ip, true
	}
	text, _, _ = strings.Cut(text, "%")
	return Numeric(text)
}

// addSortlist adds networks "ADDRESS/MASK"; the default mask is that of the address's class.
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

// classOf returns the prefix length of an address by its class.
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

// options parses the words of an options line. An option is recognised by its prefix.
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

// leadingNumber parses the digits at the beginning of text and limits the number to the range least
// to most.
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

// rotated returns the servers, starting with a different one each time if the file requests
// rotation.
func (c *resolvConf) rotated() []netip.AddrPort {
	if !c.rotate {
		return c.servers
	}
	first := rand.IntN(len(c.servers))
	return slices.Concat(c.servers[first:], c.servers[:first])
}

// wait returns the time that the i-th server has to answer.
func (c *resolvConf) wait(i int) time.Duration {
	seconds := c.timeout << i
	if i > 0 {
		seconds /= len(c.servers)
	}
	return time.Duration(max(seconds, 1)) * time.Second
}

// sort orders IPv4 addresses by the networks of sortlist.
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
