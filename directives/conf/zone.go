package conf

// Zones are the shared memory zones of a configuration, for the directive of one Call. weir is one
// process and reserves no memory for zones, but checks their names and sizes as nginx does, so that
// both accept the same configurations.
type Zones struct{ call *Call }

// Zones returns the zones of the configuration; diagnostics about them have the position of the
// call's first argument.
func (c *Call) Zones() Zones { return Zones{c} }

// A zone is a name with its use and the first size given for it; 0 means no size yet.
type zone struct {
	name string
	size int64
	use  string
}

// Declare adds a zone, or checks that it agrees with an earlier one of the same name. A size of 0
// means that the directive has none. use is the purpose of the zone, such as "limit_conn"; zones of
// different uses may not have the same name. It follows ngx_shared_memory_add.
func (z Zones) Declare(name string, size int64, use string) {
	word := &z.call.Args()[0]
	compiler := z.call.Compiler()
	old := compiler.findZone(name)
	switch {
	case old == nil:
		compiler.zones = append(compiler.zones, &zone{name, size, use})
	case old.use != use:
		z.call.Fail(word, "the shared memory zone \"%s\" is already declared for a different use", name)
	case old.size == 0:
		old.size = size
	case size != 0 && size != old.size:
		z.call.Fail(word, "the size %d of shared memory zone \"%s\" conflicts with already declared size %d", size, name, old.size)
	}
}

func (c *Compiler) findZone(name string) *zone {
	for _, known := range c.zones {
		if known.name == name {
			return known
		}
	}
	return nil
}

// ZoneSize returns the size of a zone, or 0 if no directive gives it.
func (c *Compiler) ZoneSize(name string) int64 {
	if z := c.findZone(name); z != nil {
		return z.size
	}
	return 0
}

// UnsizedZones returns the names of the zones for which no directive gives a size, in the order of
// their declaration.
func (c *Compiler) UnsizedZones() []string {
	var names []string
	for _, z := range c.zones {
		if z.size == 0 {
			names = append(names, z.name)
		}
	}
	return names
}
