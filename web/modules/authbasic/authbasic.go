// Package authbasic asks for a user name and a password.
//
// See https://nginx.org/en/docs/http/ngx_http_auth_basic_module.html.
package authbasic

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"

	"weir/internal/errorlog"
	"weir/web"
)

// Checker asks for a user of a file.
type Checker struct {
	Realm web.Template // "off" asks for nothing
	File  web.Template
	Cache *Cache
}

// maxFile is the largest user file that is read.
const maxFile = 16 << 20

// Check implements web.Checker. It follows ngx_http_auth_basic_handler.
func (c *Checker) Check(r *web.Request) int {
	realm := c.Realm.Eval(r)
	if realm == "off" {
		return 0
	}
	user, password, ok := parseHeader(r.HTTP.Header.Get("Authorization"))
	if !ok {
		r.LogInfo("no user/password was provided for basic authentication")
		return c.ask(r, realm)
	}
	r.User = user
	path := c.File.Eval(r)
	content, err := readFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.Log(errorlog.Error, fmt.Sprintf("open() \"%s\" failed", path), errors.Unwrap(err))
		return http.StatusForbidden
	case err != nil:
		r.Log(errorlog.Crit, fmt.Sprintf("open() \"%s\" failed", path), errors.Unwrap(err))
		return http.StatusInternalServerError
	}
	hash, found := findUser(content, user)
	if !found {
		r.LogError(fmt.Sprintf("user \"%s\" was not found in \"%s\"", errorlog.Quote(user), path))
		return c.ask(r, realm)
	}
	switch matches, err := c.Cache.matches(hash, password); {
	case err != nil:
		r.LogError(fmt.Sprintf("user \"%s\": %v in \"%s\"", errorlog.Quote(user), err, path))
	case matches:
		return http.StatusOK
	default:
		r.LogError(fmt.Sprintf("user \"%s\": password mismatch", errorlog.Quote(user)))
	}
	return c.ask(r, realm)
}

// ask answers with the request for a password.
func (c *Checker) ask(r *web.Request, realm string) int {
	r.Writer.Header().Set("WWW-Authenticate", "Basic realm=\""+realm+"\"")
	return http.StatusUnauthorized
}

// parseHeader reads the Authorization header.
func parseHeader(text string) (user, password string, ok bool) {
	const scheme = "basic "
	if len(text) < len(scheme) || !strings.EqualFold(text[:len(scheme)], scheme) {
		return "", "", false
	}
	coded := strings.TrimRight(strings.TrimLeft(text[len(scheme):], " "), "=")
	plain, err := base64.RawStdEncoding.DecodeString(coded)
	if err != nil {
		return "", "", false
	}
	user, password, ok = strings.Cut(string(plain), ":")
	return user, password, ok && user != ""
}

// readFile reads a user file, which may be edited while it is in use.
func readFile(path string) (string, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular() || info.Size() > maxFile:
		return "", &fs.PathError{Op: "read", Path: path, Err: errors.New("not a regular file of up to 16 MB")}
	}
	content, err := os.ReadFile(path)
	return string(content), err
}

// findUser returns the hash of a user's line, NAME:HASH or NAME:HASH:COMMENT. Lines that begin with # are
// comments.
func findUser(content, user string) (hash string, found bool) {
	for line := range strings.Lines(content) {
		line = strings.TrimRight(line, "\r\n")
		name, rest, ok := strings.Cut(line, ":")
		if !ok || name != user || strings.HasPrefix(line, "#") {
			continue
		}
		hash, _, _ = strings.Cut(rest, ":")
		return strings.TrimRight(hash, "\r"), true
	}
	return "", false
}
