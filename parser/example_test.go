package parser_test

import (
	"fmt"

	"weir/parser"
)

// Load reads a configuration into a tree with positions, and stops at the first error, as nginx does.
func ExampleLoad() {
	tree, bad := parser.Load(parser.Source{Path: "/etc/nginx/nginx.conf", Text: []byte(`
events { }
stream {
    server { listen 1883; proxy_pass "192.0.2.11:1883"; }
    server { listen 8883;
`)})
	for _, d := range tree.Root.Directives {
		fmt.Println(d.Name.Pos, d.Name)
	}
	server := tree.Root.Directives[1].Body.Directives[0]
	for _, d := range server.Body.Directives {
		fmt.Println(d.Name.Pos, d.Name, d.Args)
	}
	fmt.Println(bad.Err())
	// Output:
	// /etc/nginx/nginx.conf:2:1 events
	// /etc/nginx/nginx.conf:3:1 stream
	// /etc/nginx/nginx.conf:4:14 listen [1883]
	// /etc/nginx/nginx.conf:4:27 proxy_pass [192.0.2.11:1883]
	// unexpected end of file, expecting "}" in /etc/nginx/nginx.conf:6
}
