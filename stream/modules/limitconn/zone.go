package limitconn

import (
	"context"
	"fmt"

	"weir/internal/zone"
	"weir/stream"
	"weir/stream/status"
)

// A Zone counts sessions by the value of a key. The sessions of successive configurations are
// counted together, as long as each configuration has the zone with the same size.
type Zone struct {
	Name     string
	Size     int64           // bytes
	Variable stream.Template // the key
	Status   *status.LimitConn

	table *zone.Table // set by Open
}

// Sizes of the data that ngx_stream_limit_conn_module keeps in a zone on a 64-bit system.
const (
	treeSize = 64 // ngx_stream_limit_conn_shctx_t
	nodeSize = 36 // ngx_rbtree_node_t up to its color, ngx_stream_limit_conn_node_t up to its data
)

// Key identifies the zone across generations.
func (z *Zone) Key() string { return "limit_conn_zone " + z.Name }

// Open continues with the counts of old, unless it has another size. It follows
// ngx_stream_limit_conn_init_zone: another key under the same name and size is an error.
func (z *Zone) Open(_ context.Context, _ *stream.Env, old stream.Part) error {
	before, ok := old.(*Zone)
	if !ok || before.Size != z.Size {
		logContext := " in limit_conn_zone \"" + z.Name + "\"\x00" // ngx_slab_pool_t.log_ctx
		z.table = zone.NewTable(zone.Layout{Size: z.Size, Fixed: []int{treeSize, len(logContext)}, Node: nodeSize})
		return nil
	}
	if was, is := before.Variable.Text(), z.Variable.Text(); was != is {
		return fmt.Errorf("limit_conn_zone \"%s\" uses the \"%s\" key while previously it used the \"%s\" key", z.Name, is, was)
	}
	z.table = before.table
	z.Status.Follow(before.Status)
	return nil
}

// Close does nothing: a zone is only memory, which its sessions and its successor may still use.
func (z *Zone) Close() error { return nil }

// Figures returns the space of the zone.
func (z *Zone) Figures() zone.Figures { return z.table.Slab().Figures() }

// ResetFigures resets the counters of the space.
func (z *Zone) ResetFigures() { z.table.Slab().Reset() }

// Len returns the number of keys currently counted.
func (z *Zone) Len() int { return z.table.Len() }
