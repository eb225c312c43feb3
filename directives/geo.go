package directives

import (
	"net/netip"
	"strings"

	"weir/directives/conf"
	"weir/parser"
	"weir/stream"
	"weir/stream/modules/geo"
)

// geoModule is ngx_stream_geo_module.
var geoModule = &streamModule[none, none]{
	Name: "ngx_stream_geo_module",
	Main: []conf.Entry[none]{
		{Name: "geo", In: conf.Stream, Args: conf.Take(1, 2), Body: conf.Pairs, Repeat: true, Set: geoBlock},
	},
}

// geoBlock follows ngx_stream_geo_block.
func geoBlock(_ *none, call *conf.Call) {
	vars := configOf(call.Level).Vars
	address, word := geo.Client, &call.Args()[0]
	if len(call.Args()) == 2 {
		of, ok := variableName(call, word)
		if !ok {
			return
		}
		address, word = vars.Index(of), &call.Args()[1]
	}
	name, ok := newVariable(call, word)
	if !ok {
		return
	}
	g := geoLines{}
	g.b = geo.NewBuilder(address, func(sentence string) { g.line.Warn(nil, "%s", sentence) })
	eachLine(call, g.take)
	redefine(vars, stream.Variable{Name: name, Changeable: true, NoCache: g.volatile, Configured: true, Get: g.b.Geo().Get})
}

// geoLines collects the lines of one geo.
type geoLines struct {
	b        *geo.Builder
	line     *conf.Call
	volatile bool
}

// take follows ngx_stream_geo.
func (g *geoLines) take(line *conf.Call) {
	g.line = line
	key := line.Dir.Name.Text
	switch {
	case len(line.Args()) == 0 && key == "ranges":
		if err := g.b.ByRanges(); err != nil {
			line.Fail(nil, "%v", err)
		}
	case len(line.Args()) == 0 && key == "volatile":
		g.volatile = true
	case len(line.Args()) != 1:
		line.Fail(nil, "invalid number of the geo parameters")
	case key == "default":
		g.b.SetDefault(line.Arg(0))
	case g.b.IsByRanges():
		g.takeRange()
	default:
		g.takeNetwork()
	}
}

// where returns the word with the network or range, and whether it is to be deleted.
func (g *geoLines) where() (word *parser.Word, deleted bool) {
	if g.line.Dir.Name.Text == "delete" {
		return &g.line.Args()[0], true
	}
	return &g.line.Dir.Name, false
}

func (g *geoLines) takeNetwork() {
	word, deleted := g.where()
	network, ok := g.network(word)
	switch {
	case !ok:
		g.line.Fail(word, "invalid network \"%s\"", word.Text)
	case deleted:
		g.b.DeleteNetwork(word.Text, network)
	default:
		g.b.SetNetwork(word.Text, network, g.line.Arg(0))
	}
}

// network follows ngx_stream_geo_cidr_value: it accepts 255.255.255.255, which is not a valid
// address elsewhere.
func (g *geoLines) network(word *parser.Word) (netip.Prefix, bool) {
	if word.Text == "255.255.255.255" {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{255, 255, 255, 255}), 32), true
	}
	return g.line.CIDR(word)
}

func (g *geoLines) takeRange() {
	word, deleted := g.where()
	first, last, ok := parseRange(word.Text)
	if !ok {
		g.line.Fail(word, "invalid range \"%s\"", word.Text)
		return
	}
	if deleted {
		g.b.DeleteRange(word.Text, first, last)
		return
	}
	if err := g.b.SetRange(word.Text, first, last, g.line.Arg(0)); err != nil {
		g.line.Fail(word, "%v", err)
	}
}

// parseRange reads two IPv4 addresses with a hyphen between them.
func parseRange(text string) (first, last netip.Addr, ok bool) {
	left, right, _ := strings.Cut(text, "-")
	first, ok = conf.ParseIP(left)
	last, okLast := conf.ParseIP(right)
	return first, last, ok && okLast && first.Is4() && last.Is4() && first.Compare(last) <= 0
}
