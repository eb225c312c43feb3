package directives

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"weir/directives/conf"
	db "weir/internal/keyval"
	"weir/internal/zone"
	"weir/parser"
	"weir/stream"
	"weir/stream/modules/keyval"
	"weir/stream/status"
)

// keyvalMain holds the zones and the variables of stream {}.
type keyvalMain struct {
	zones     []*keyval.Zone
	variables []keyvalUse
}

// A keyvalUse is one keyval; its zone may be described later in the file.
type keyvalUse struct {
	zone     string
	variable *keyval.Variable
}

// keyvalModule is ngx_stream_keyval_module, of the commercial edition. Messages follow those of similar
// directives of nginx.
var keyvalModule = &streamModule[keyvalMain, none]{
	Name: "ngx_stream_keyval_module",
	Main: []conf.Entry[keyvalMain]{
		{Name: "keyval", In: conf.Stream, Args: conf.Take(3), Repeat: true, Set: (*keyvalMain).use},
		{Name: "keyval_zone", In: conf.Stream, Args: conf.Take(1, 2, 3, 4, 5), Repeat: true, Set: (*keyvalMain).describe},
	},
	Init: (*keyvalMain).init,
}

// keyvalZone is the use of its zones.
const keyvalZone = "stream keyval"

// use reads a keyval.
func (c *keyvalMain) use(call *conf.Call) {
	key, ok := parseTemplate(call, &call.Args()[0])
	if !ok {
		return
	}
	variable, ok := newVariable(call, &call.Args()[1])
	if !ok {
		return
	}
	word := &call.Args()[2]
	name, ok := strings.CutPrefix(word.Text, "zone=")
	switch {
	case !ok:
		call.Fail(word, "invalid parameter \"%s\"", word.Text)
		return
	case name == "":
		call.Fail(word, "invalid zone name \"%s\"", word.Text)
		return
	}
	call.Zones().Declare(name, 0, keyvalZone)
	v := &keyval.Variable{Key: key}
	c.variables = append(c.variables, keyvalUse{name, v})
	redefine(configOf(call.Level).Vars, stream.Variable{Name: variable, Changeable: true, NoCache: true, Get: v.Get})
}

// describe reads a keyval_zone.
func (c *keyvalMain) describe(call *conf.Call) {
	z := &keyval.Zone{Keyval: &stream.Keyval{}}
	for i := range call.Args() {
		if !readKeyvalParameter(call, &call.Args()[i], z) {
			return
		}
	}
	if z.Name == "" {
		call.Fail(nil, "\"keyval_zone\" must have \"zone\" parameter")
		return
	}
	call.Zones().Declare(z.Name, z.Size, keyvalZone)
	switch other := c.writing(z.State); {
	case c.find(z.Name) != nil:
		call.Fail(nil, "duplicate zone \"%s\"", z.Name)
	case other != nil:
		call.Fail(nil, "the state file \"%s\" is already used by zone \"%s\"", z.State, other.Name)
	default:
		c.zones = append(c.zones, z)
	}
}

// readKeyvalParameter reads one parameter of a keyval_zone, and reports whether it is valid.
func readKeyvalParameter(call *conf.Call, word *parser.Word, z *keyval.Zone) (ok bool) {
	name, value, _ := strings.Cut(word.Text, "=")
	switch {
	case word.Text == "sync":
		call.Fail(word, "\"sync\" in \"keyval_zone\" is not supported by weir: it needs \"zone_sync\"")
		return false
	case !strings.Contains(word.Text, "="):
		name = ""
	}
	switch name {
	case "zone":
		return readKeyvalZone(call, word, value, z)
	case "state":
		if z.State = value; value != "" {
			z.State = call.Compiler().Env.Path(value)
		}
		return validKeyval(call, word, "state file", value != "")
	case "timeout":
		z.Timeout, ok = conf.ParseMsec(value)
		return validKeyval(call, word, "timeout", ok && z.Timeout >= time.Millisecond)
	case "type":
		z.Type, ok = keyvalTypes[value]
		return validKeyval(call, word, "type", ok)
	}
	return validKeyval(call, word, "parameter", false)
}

var keyvalTypes = map[string]db.Type{"string": db.String, "ip": db.IP, "prefix": db.Prefix}

// validKeyval reports an error if a word is not valid.
func validKeyval(call *conf.Call, word *parser.Word, kind string, ok bool) bool {
	if !ok {
		call.Fail(word, "invalid %s \"%s\"", kind, word.Text)
	}
	return ok
}

// readKeyvalZone reads NAME:SIZE.
func readKeyvalZone(call *conf.Call, word *parser.Word, value string, z *keyval.Zone) (ok bool) {
	name, sizeText, _ := strings.Cut(value, ":")
	if !validKeyval(call, word, "zone name", name != "") {
		return false
	}
	z.Name = name
	z.Size, ok = conf.ParseSize(sizeText)
	if !validKeyval(call, word, "zone size", ok) {
		return false
	}
	if z.Size < minZone {
		call.Fail(word, "zone \"%s\" is too small", word.Text)
		return false
	}
	return true
}

func (c *keyvalMain) find(name string) *keyval.Zone {
	for _, z := range c.zones {
		if z.Name == name {
			return z
		}
	}
	return nil
}

// writing returns the zone with that state file; nil for none.
func (c *keyvalMain) writing(path string) *keyval.Zone {
	for _, z := range c.zones {
		if path != "" && z.State == path {
			return z
		}
	}
	return nil
}

// init gives the variables their zones. A variable without one is never used: its configuration does not
// open.
func (c *keyvalMain) init(b *streamBuild) {
	for _, u := range c.variables {
		u.variable.Zone = c.find(u.zone)
	}
	for _, z := range c.zones {
		b.addPart(z)
		b.config.Keyvals = append(b.config.Keyvals, z.Keyval)
		b.config.Status.Slabs = append(b.config.Status.Slabs, status.Slab{
			Name: z.Name, Figures: func() zone.Figures { return z.Store.Figures() }, Reset: func() { z.Store.ResetFigures() },
		})
	}
	slices.SortFunc(b.config.Keyvals, func(x, y *stream.Keyval) int { return cmp.Compare(x.Name, y.Name) })
}
