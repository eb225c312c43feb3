package directives

import (
	"context"
	"fmt"

	"weir/directives/conf"
	"weir/stream"
)

// zones are the shared memory zones of a configuration. weir is one process and reserves no memory
// for them, but checks their names and sizes as nginx does, so that both accept the same
// configurations.
type zones struct {
	list []*zone
}

// A zone is a name with its use and the first size given for it; 0 means no size yet.
type zone struct {
	name string
	size int64
	use  string
}

// declare adds a zone, or checks that it agrees with an earlier one of the same name. It follows
// ngx_shared_memory_add.
func (z *zones) declare(call *conf.Call, name *zoneName) {
	old := z.find(name.text)
	switch {
	case old == nil:
		z.list = append(z.list, &zone{name.text, name.size, name.use})
	case old.use != name.use:
		call.Fail(&call.Args()[0], "the shared memory zone \"%s\" is already declared for a different use", name.text)
	case old.size == 0:
		old.size = name.size
	case name.size != 0 && name.size != old.size:
		call.Fail(&call.Args()[0], "the size %d of shared memory zone \"%s\" conflicts with already declared size %d",
			name.size, name.text, old.size)
	}
}

// A zoneName is one use of a zone in the configuration.
type zoneName struct {
	text string
	size int64 // 0 if not given
	use  string
}

func (z *zones) find(name string) *zone {
	for _, known := range z.list {
		if known.name == name {
			return known
		}
	}
	return nil
}

// finish puts the zones without a size before the parts of the configuration: nginx creates zones
// after it has opened the log files, and only then reports that these cannot be created.
func (z *zones) finish(config *stream.Config) {
	var unsized []stream.Part
	for _, known := range z.list {
		if known.size == 0 {
			unsized = append(unsized, &unsizedZone{known.name})
		}
	}
	config.Parts = append(unsized, config.Parts...)
}

// An unsizedZone is a part whose Open fails.
type unsizedZone struct{ name string }

// Key implements stream.Part.
func (z *unsizedZone) Key() string { return "zone without size " + z.name }

// Open returns the error.
func (z *unsizedZone) Open(context.Context, *stream.Env, stream.Part) error {
	return fmt.Errorf("zero size shared memory zone \"%s\"", z.name)
}

// Close does nothing.
func (z *unsizedZone) Close() error { return nil }
