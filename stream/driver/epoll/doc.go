// Package epoll is the epoll driver: it runs plain TCP and unix sessions from accept to close in a
// few threads, without a goroutine for each session. DESIGN.md in this directory describes the
// states.
package epoll
