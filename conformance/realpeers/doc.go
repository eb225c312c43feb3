// Package realpeers holds the tests of weir between MQTT clients and brokers that others wrote. It knows only the
// binary: the one that WEIR_BIN names, else one built from this module.
package realpeers
