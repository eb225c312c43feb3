// Package dnschurn holds the test of weir under load while the names of its servers change with every answer. It knows only the binary: the
// one that WEIR_BIN names, else one built from this module.
package dnschurn
