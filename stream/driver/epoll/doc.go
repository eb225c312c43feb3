// Package epoll is the epoll driver: it carries plain TCP and unix sessions from accept to close in a few threads, without a
// goroutine for a session. DESIGN.md beside this file has the states.
package epoll
