// Package dashboard serves weir's dashboard: one page without external files that asks the API.
//
// See https://nginx.org/en/docs/http/ngx_http_api_module.html for the data that it shows.
package dashboard

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
)

var (
	//go:embed page/index.html
	markup string
	//go:embed page/style.css
	style string
	//go:embed page/app.js
	script string
)

// Page is the page, with its style and its script inside.
var Page = []byte(strings.NewReplacer("/*STYLE*/", style, "/*SCRIPT*/", script).Replace(markup))

// Policy is the Content-Security-Policy of the page: only the style and the script inside it apply,
// and it connects to its own origin only.
var Policy = strings.Join([]string{
	"default-src 'none'", "style-src " + source(style), "script-src " + source(script), "connect-src 'self'", "img-src data:",
	"base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
}, "; ")

// source returns the hash of an inline element as a source of a policy.
func source(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// Serve answers a GET or HEAD request with the page. It is safe for concurrent use.
func Serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", Policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-cache")
	h.Set("Content-Length", strconv.Itoa(len(Page)))
	if r.Method == http.MethodHead {
		return
	}
	_, _ = bytes.NewReader(Page).WriteTo(w)
}
