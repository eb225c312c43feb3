package conformance

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// httpOptions are the options of the command http.
var httpOptions = []string{"host", "user", "header", "body", "has", "lacks", "text", "match", "tls", "cert", "from"}

// http sends one request on a connection of its own, and checks the response.
func (r *run) http(args []string) error {
	options, err := parseOptions(args[4:], httpOptions...)
	if err != nil {
		return err
	}
	c, err := r.httpConn(args[0], options)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := io.WriteString(c, httpRequest(args[1], args[2], options)); err != nil {
		return err
	}
	response, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: args[1]})
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if got := strconv.Itoa(response.StatusCode); got != args[3] {
		return fmt.Errorf("got status %s, want %s, with\n%s", got, args[3], body)
	}
	return checkResponse(response.Header, string(body), options)
}

func (r *run) httpConn(addr string, options map[string]string) (net.Conn, error) {
	if name, encrypted := options["tls"]; encrypted {
		words := []string{"name=" + name}
		if cert := options["cert"]; cert != "" {
			words = append(words, "cert="+cert)
		}
		c, err := r.handshake(addr, words)
		if err != nil {
			return nil, err
		}
		return c.Conn, nil
	}
	return dialAddr(addr, options["from"])
}

// httpRequest returns the text of a request that asks for the end of its connection.
func httpRequest(method, target string, options map[string]string) string {
	var b strings.Builder
	host := "localhost"
	if named, ok := options["host"]; ok {
		host = named
	}
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n", method, target, host)
	if user := options["user"]; user != "" {
		fmt.Fprintf(&b, "Authorization: Basic %s\r\n", base64.StdEncoding.EncodeToString([]byte(user)))
	}
	if header := options["header"]; header != "" {
		fmt.Fprintf(&b, "%s\r\n", header)
	}
	if body, ok := options["body"]; ok {
		fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
		return b.String()
	}
	b.WriteString("\r\n")
	return b.String()
}

func checkResponse(header http.Header, body string, options map[string]string) error {
	if has, ok := options["has"]; ok {
		name, want, _ := strings.Cut(has, ": ")
		if got := header.Get(name); got != want {
			return fmt.Errorf("got the header %s: %s, want %s", name, got, want)
		}
	}
	if name, ok := options["lacks"]; ok && header.Get(name) != "" {
		return fmt.Errorf("got the header %s: %s, want none", name, header.Get(name))
	}
	if want, ok := options["text"]; ok && body != want {
		return fmt.Errorf("got the body %q, want %q", body, want)
	}
	if pattern, ok := options["match"]; ok {
		re, err := regexp.Compile(pattern)
		if err != nil {
			return err
		}
		if !re.MatchString(body) {
			return fmt.Errorf("got the body %q, want a match of %s", body, pattern)
		}
	}
	return nil
}
