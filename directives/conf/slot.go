package conf

import (
	"time"

	"weir/internal/ascii"
)

// The functions below make setters for directives of one argument: each returns an Entry's Set that
// parses the argument by nginx's rules into the given field, or refuses the configuration with
// nginx's message.

// Flag sets a field from "on" or "off", as ngx_conf_set_flag_slot.
func Flag[C any](field func(*C) *Opt[bool]) func(*C, *Call) {
	return func(conf *C, c *Call) {
		on, off := ascii.EqualFold(c.Arg(0), "on"), ascii.EqualFold(c.Arg(0), "off")
		if !on && !off {
			c.Fail(&c.Dir.Args[0], "invalid value \"%s\" in \"%s\" directive, it must be \"on\" or \"off\"", c.Arg(0), c.Dir.Name.Text)
			return
		}
		field(conf).Set(on)
	}
}

// Size sets a field from a number of bytes, as ngx_conf_set_size_slot.
func Size[C any](field func(*C) *Opt[int64]) func(*C, *Call) {
	return parsed(field, ParseSize, "invalid value")
}

// Offset sets a field from a number of bytes that may be in gigabytes, as ngx_conf_set_off_slot.
func Offset[C any](field func(*C) *Opt[int64]) func(*C, *Call) {
	return parsed(field, ParseOffset, "invalid value")
}

// Number sets a field from a decimal number, as ngx_conf_set_num_slot.
func Number[C any](field func(*C) *Opt[int64]) func(*C, *Call) {
	return parsed(field, ParseNumber, "invalid number")
}

// Msec sets a field from a time that may be in milliseconds, as ngx_conf_set_msec_slot.
func Msec[C any](field func(*C) *Opt[time.Duration]) func(*C, *Call) {
	return parsed(field, ParseMsec, "invalid value")
}

// Sec sets a field from a time in seconds, as ngx_conf_set_sec_slot.
func Sec[C any](field func(*C) *Opt[time.Duration]) func(*C, *Call) {
	return parsed(field, ParseSec, "invalid value")
}

// parsed sets a field to the result of parse for the argument; on failure the directive is refused
// with the text sentence.
func parsed[C, T any](field func(*C) *Opt[T], parse func(string) (T, bool), sentence string) func(*C, *Call) {
	return func(conf *C, c *Call) {
		v, ok := parse(c.Arg(0))
		if !ok {
			c.FailValue(sentence)
			return
		}
		field(conf).Set(v)
	}
}

// String sets a field to the argument itself, as ngx_conf_set_str_slot.
func String[C any](field func(*C) *Opt[string]) func(*C, *Call) {
	return func(conf *C, c *Call) { field(conf).Set(c.Arg(0)) }
}

// Enum sets a field to the value of the argument in names; case is ignored, as in
// ngx_conf_set_enum_slot.
func Enum[C, T any](field func(*C) *Opt[T], names map[string]T) func(*C, *Call) {
	return func(conf *C, c *Call) {
		for name, v := range names {
			if ascii.EqualFold(name, c.Arg(0)) {
				field(conf).Set(v)
				return
			}
		}
		c.Fail(&c.Dir.Args[0], "invalid value \"%s\"", c.Arg(0))
	}
}
