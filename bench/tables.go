//go:build linux

package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"

	"weir/bench/load"
)

// A tableKind is a directive that can have a large table.
type tableKind struct {
	name, about string
	entries     int      // of a run at full scale
	block       string   // before the brace
	settings    []string // that nginx needs for that many entries; weir ignores them
	make        func(n int) []entry
	ask         func(all []entry) []load.Question // the first one is for the first entry
}

// An entry is a line of a table.
type entry struct {
	key, value string
	from       netip.Addr // an address that the line applies to, unless a more specific line does
}

// fewEntries is the size of the small table that the large one is compared with.
const fewEntries = 2

// tableKinds returns the tables in the order of the document.
var tableKinds = []tableKind{
	{
		name:     "map",
		about:    "texts such as `device-10.83.201.7`, each with one of 50 values",
		entries:  1_000_000,
		block:    "map device-$proxy_protocol_addr $value",
		settings: []string{"map_hash_max_size 1048576", "map_hash_bucket_size 256"},
		make:     mapEntries,
		ask:      questionsByEntry,
	},
	{
		name:    "geo",
		about:   "IPv4 networks of 12 to 32 bits, most of 24, some inside others, each with one of 250 values",
		entries: 200_000,
		block:   "geo $proxy_protocol_addr $value",
		make:    geoEntries,
		ask:     questionsByNetwork,
	},
}

// mapEntries returns the same n entries of a map each time. An odd factor makes the addresses
// distinct.
func mapEntries(n int) []entry {
	all := make([]entry, n)
	for i := range all {
		h := uint32(i) * 2654435761
		from := netip.AddrFrom4([4]byte{10, byte(h >> 16), byte(h >> 8), byte(h)})
		all[i] = entry{"device-" + from.String(), fmt.Sprintf("broker%02d", i%50), from}
	}
	return all
}

// geoEntries returns the same n entries of a geo each time. The first is a single address, the
// smallest possible network.
func geoEntries(n int) []entry {
	random := rand.New(rand.NewPCG(1, 2))
	seen := map[netip.Prefix]bool{}
	all := make([]entry, 0, n)
	for len(all) < n {
		bits := 32
		if len(all) > 0 {
			bits = networkBits(random)
		}
		u := random.Uint32()
		from := netip.AddrFrom4([4]byte{byte(1 + u>>24%222), byte(u >> 16), byte(u >> 8), byte(u)})
		network, _ := from.Prefix(bits)
		if seen[network] {
			continue
		}
		seen[network] = true
		all = append(all, entry{network.String(), fmt.Sprintf("zone%03d", len(all)%250), from})
	}
	return all
}

// networkBits returns a prefix length: the distribution is about that of Internet routes.
func networkBits(random *rand.Rand) int {
	switch p := random.IntN(100); {
	case p < 60:
		return 24
	case p < 95:
		return 16 + random.IntN(8)
	case p < 97:
		return 12 + random.IntN(4)
	}
	return 25 + random.IntN(8)
}

// maxQuestions is the maximum number of distinct questions.
const maxQuestions = 1 << 16

// questionsByEntry asks for entries from all parts of the table.
func questionsByEntry(all []entry) []load.Question {
	asks := make([]load.Question, min(len(all), maxQuestions))
	for i := range asks {
		e := all[i*7919%len(all)]
		asks[i] = load.Question{From: e.from, Answer: e.value}
	}
	return asks
}

// questionsByNetwork does the same for networks. The answer is that of the smallest network with the
// address, found by trying each prefix length.
func questionsByNetwork(all []entry) []load.Question {
	values := map[string]string{}
	for _, e := range all {
		values[e.key] = e.value
	}
	asks := questionsByEntry(all)
	for i := range asks {
		for bits := 32; bits >= 0; bits-- {
			network, _ := asks[i].From.Prefix(bits)
			if value, ok := values[network.String()]; ok {
				asks[i].Answer = value
				break
			}
		}
	}
	return asks
}

// writeTable writes the entries to a file and renames it to path.
func writeTable(path string, all []entry) error {
	f, err := os.Create(path + ".new")
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	for _, e := range all {
		fmt.Fprintf(w, "%s %s;\n", e.key, e.value)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
