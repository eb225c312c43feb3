// Package realpeers tests weir between third-party MQTT clients and brokers. It uses only the
// binary: from WEIR_BIN, or built from this module.
package realpeers
