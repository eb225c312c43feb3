package directives

import (
	"context"
	"fmt"

	"weir/stream"
)

const (
	// pageSize is the memory page in which nginx counts the minimum size of a zone.
	pageSize = 4096
	minZone  = 8 * pageSize
)

// putUnsizedZones puts the zones without a size before the parts of the configuration: nginx creates
// zones after it has opened the log files, and only then reports that these cannot be created.
func putUnsizedZones(config *stream.Config, names []string) {
	var unsized []stream.Part
	for _, name := range names {
		unsized = append(unsized, &unsizedZone{name})
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
