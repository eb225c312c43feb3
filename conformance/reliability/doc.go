// Package reliability tests weir over sockets while it reloads, while brokers fail, and under attack.
// It uses only the binary: from WEIR_BIN, or built from this module. WEIR_SOAK selects the long forms.
// docs/reliability.md has the promise behind each test and the figures.
package reliability
