// Package dnschurn tests weir under load while every DNS answer changes the addresses of its
// servers. It uses only the binary: from WEIR_BIN, or built from this module.
package dnschurn
