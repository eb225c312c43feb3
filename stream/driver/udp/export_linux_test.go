package udp

// Loops returns the number of loops that have not ended.
func (d *Driver) Loops() (n int) {
	d.group.Do(func() error { n = len(d.group.All()); return nil })
	return n
}
