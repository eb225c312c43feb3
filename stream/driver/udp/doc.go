// Package udp is the driver of UDP sessions: a few epoll loops that receive datagrams in batches,
// and find the session of a datagram by the client's address. DESIGN.md in this directory describes
// the rules.
//
// See https://nginx.org/en/docs/stream/ngx_stream_core_module.html#listen, the parameter udp.
package udp
