// Package udp is the driver of UDP sessions: a few epoll loops that take datagrams in batches, and tell by the client's address
// which session one belongs to. DESIGN.md beside this file has the rules.
//
// See https://nginx.org/en/docs/stream/ngx_stream_core_module.html#listen, the parameter udp.
package udp
