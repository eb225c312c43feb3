package webserver

import (
	"strings"
	"testing"
)

// TestRefusal checks that the answers of net/http to broken requests are replaced, and those of locations are not.
func TestRefusal(t *testing.T) {
	for answer, want := range map[string]string{
		"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request":                 "400 Bad Request",
		"HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n431":         "400 Bad Request",
		"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 2\r\nContent-Type: application/json\r\nServer: nginx\r\n\r\n{}": "",
		"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n": "",
	} {
		got := string(refusal([]byte(answer), false))
		if (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%q: got %q, want %q", answer, got, want)
		}
	}
}
