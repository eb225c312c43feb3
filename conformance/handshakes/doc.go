// Package handshakes tests the TLS handshakes of weir over sockets: clients that never complete one,
// hostile ClientHellos, and sessions that are resumed after a change of the settings. It uses only
// the binary: from WEIR_BIN, or built from this module. WEIR_SOAK selects the long forms.
package handshakes
