package conf

// An Opt is a setting that may be unset, which differs from zero. The zero Opt is unset.
type Opt[T any] struct {
	value T
	set   bool
}

// Some returns an Opt that is set to v.
func Some[T any](v T) Opt[T] { return Opt[T]{v, true} }

// Set sets o to v.
func (o *Opt[T]) Set(v T) { *o = Some(v) }

// IsSet reports whether o has been set.
func (o Opt[T]) IsSet() bool { return o.set }

// Get returns the value and whether it has been set.
func (o Opt[T]) Get() (T, bool) { return o.value, o.set }

// Or returns the value, or def when o is unset.
func (o Opt[T]) Or(def T) T {
	if o.set {
		return o.value
	}
	return def
}

// Inherit takes over the parent's value when o is unset.
func (o *Opt[T]) Inherit(parent Opt[T]) {
	if !o.set {
		*o = parent
	}
}
