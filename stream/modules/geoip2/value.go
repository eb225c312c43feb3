package geoip2

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"

	"github.com/oschwald/maxminddb-golang/v2/mmdbdata"
)

// find returns the value at the end of a path through the record of an address, as text; false if
// there is none, or if it is not a scalar.
func (f *file) find(ip netip.Addr, path []string) (string, bool) {
	w := walk{path: path}
	record := f.Lookup(ip)
	if !record.Found() || record.Decode(&w) != nil {
		return "", false
	}
	return w.text, w.found
}

// A walk follows a path and stores the value that it finds.
type walk struct {
	path  []string
	text  string
	found bool
}

// UnmarshalMaxMindDBCursor walks from a record. The reader calls it.
func (w *walk) UnmarshalMaxMindDBCursor(record mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	at := record
	for _, step := range w.path {
		next, ok := enter(at, step)
		if !ok {
			return record.Skip()
		}
		at = next
	}
	w.text, w.found = text(at)
	return record.Skip()
}

// enter returns the value for a key of a map or an index of an array, as lookup_path_in_map and
// lookup_path_in_array.
func enter(at mmdbdata.Cursor, step string) (mmdbdata.Cursor, bool) {
	kind, err := at.Kind()
	if err != nil {
		return at, false
	}
	switch kind {
	case mmdbdata.KindMap:
		return enterMap(at, step)
	case mmdbdata.KindSlice:
		return enterArray(at, step)
	}
	return at, false
}

func enterMap(at mmdbdata.Cursor, wanted string) (mmdbdata.Cursor, bool) {
	m, err := at.Map()
	if err != nil {
		return at, false
	}
	var behind mmdbdata.Cursor
	for {
		key, value, ok := m.Next(behind)
		if !ok || string(key) == wanted {
			return value, ok
		}
		if behind, err = value.Skip(); err != nil {
			return at, false
		}
	}
}

// enterArray counts a negative index from the end.
func enterArray(at mmdbdata.Cursor, wanted string) (mmdbdata.Cursor, bool) {
	array, err := at.Slice()
	if err != nil {
		return at, false
	}
	size, err := array.Size()
	if err != nil {
		return at, false
	}
	index, err := strconv.ParseInt(wanted, 10, 32)
	if err != nil {
		return at, false
	}
	if index < 0 {
		index += int64(size)
	}
	var behind mmdbdata.Cursor
	for {
		i, value, ok := array.Next(behind)
		if !ok || int64(i) == index {
			return value, ok
		}
		if behind, err = value.Skip(); err != nil {
			return at, false
		}
	}
}

// text formats a scalar as ngx_stream_geoip2_variable does.
func text(at mmdbdata.Cursor) (string, bool) {
	kind, err := at.Kind()
	if err != nil {
		return "", false
	}
	var s string
	switch kind {
	case mmdbdata.KindString:
		s, _, err = at.ReadString()
	case mmdbdata.KindBytes:
		var b []byte
		b, _, err = at.ReadBytes()
		s = string(b)
	case mmdbdata.KindBool:
		var b bool
		b, _, err = at.ReadBool()
		s = map[bool]string{false: "0", true: "1"}[b]
	case mmdbdata.KindFloat32, mmdbdata.KindFloat64:
		var f float64
		f, _, err = at.ReadFloat()
		s = decimal(f)
	default:
		return integer(at, kind)
	}
	return s, err == nil
}

func integer(at mmdbdata.Cursor, kind mmdbdata.Kind) (string, bool) {
	switch kind {
	case mmdbdata.KindUint16, mmdbdata.KindUint32, mmdbdata.KindUint64:
		n, _, err := at.ReadUint()
		return strconv.FormatUint(n, 10), err == nil
	case mmdbdata.KindInt32:
		n, _, err := at.ReadInt32()
		return strconv.Itoa(int(n)), err == nil
	case mmdbdata.KindUint128:
		high, low, _, err := at.ReadUint128()
		return fmt.Sprintf("0x%016x%016x", high, low), err == nil
	}
	return "", false
}

// decimal formats a number with five decimals. Infinities and NaN have no such form.
func decimal(f float64) string {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return ""
	}
	return strconv.FormatFloat(f, 'f', 5, 64)
}
