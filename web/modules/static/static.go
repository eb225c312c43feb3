// Package static serves files.
//
// See https://nginx.org/en/docs/http/ngx_http_index_module.html, and root, alias and try_files in
// https://nginx.org/en/docs/http/ngx_http_core_module.html.
package static

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"syscall"

	"weir/internal/errorlog"
	"weir/web"
)

// Content serves the file that the URI names, and for a URI that ends with a slash the first index file that
// exists. As in nginx, symbolic links are followed, also out of the root.
type Content struct {
	Index []web.Template
}

// Serve implements web.Content. It follows ngx_http_index_handler and ngx_http_static_handler.
func (c *Content) Serve(r *web.Request) web.Outcome {
	if strings.HasSuffix(r.URI, "/") {
		return c.serveIndex(r)
	}
	return serveFile(r, r.Filename())
}

func isRead(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodPost
}

// serveIndex continues with the first index file that exists.
func (c *Content) serveIndex(r *web.Request) web.Outcome {
	if !isRead(r.Method) {
		return web.Status(http.StatusMethodNotAllowed)
	}
	dir := r.Filename()
	if leavesRoot(dir) {
		return web.Status(http.StatusNotFound)
	}
	for _, t := range c.Index {
		name := t.Eval(r)
		if strings.HasPrefix(name, "/") {
			return web.Redirect(name, r.Args)
		}
		_, err := os.Stat(dir + name)
		switch {
		case err == nil:
			return web.Redirect(r.URI+name, r.Args)
		case isForbidden(err):
			logFailure(r, errorlog.Error, "stat", dir+name, err)
			return web.Status(http.StatusForbidden)
		case !isMissing(err):
			logFailure(r, errorlog.Crit, "stat", dir+name, err)
			return web.Status(http.StatusInternalServerError)
		}
	}
	if _, err := os.Stat(dir); err != nil && isMissing(err) {
		r.Log(errorlog.Error, fmt.Sprintf("\"%s\" is not found", dir), errors.Unwrap(err))
		return web.Status(http.StatusNotFound)
	}
	r.LogError(fmt.Sprintf("directory index of \"%s\" is forbidden", dir))
	return web.Status(http.StatusForbidden)
}

func isMissing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ENAMETOOLONG)
}

func isForbidden(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ELOOP)
}

func logFailure(r *web.Request, level errorlog.Level, call, path string, err error) {
	r.Log(level, fmt.Sprintf("%s() \"%s\" failed", call, path), errors.Unwrap(err))
}

// serveFile answers with a file.
func serveFile(r *web.Request, path string) web.Outcome {
	if !isRead(r.Method) {
		return web.Status(http.StatusMethodNotAllowed)
	}
	if leavesRoot(path) {
		r.LogError(fmt.Sprintf("\"%s\" leaves its directory", errorlog.Quote(path)))
		return web.Status(http.StatusNotFound)
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe without a writer does not block
	if err != nil {
		return failed(r, path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return failed(r, path, err)
	case info.IsDir():
		return toDirectory(r)
	case r.Method == http.MethodPost:
		return web.Status(http.StatusMethodNotAllowed)
	case !info.Mode().IsRegular():
		r.Log(errorlog.Crit, fmt.Sprintf("\"%s\" is not a regular file", path), nil)
		return web.Status(http.StatusNotFound)
	}
	return send(r, f, info)
}

// leavesRoot reports whether a path has an element "..", or a zero byte: a variable in it may have any value.
func leavesRoot(path string) bool {
	return strings.Contains(path, "/../") || strings.HasSuffix(path, "/..") || strings.Contains(path, "\x00")
}

// dashboardPath is the usual place of the dashboard.
const dashboardPath = "/dashboard.html"

// failed answers for a file that cannot be opened. The dashboard of the process replaces a missing one that has a
// location of its own.
func failed(r *web.Request, path string, err error) web.Outcome {
	switch {
	case isMissing(err) && r.URI == dashboardPath && r.Matched.Name == dashboardPath && r.Env.Dashboard != nil:
		r.Env.Dashboard(r.Writer, r.HTTP)
		return web.Done()
	case isMissing(err):
		if r.Location.Settings.LogNotFound {
			logFailure(r, errorlog.Error, "open", path, err)
		}
		return web.Status(http.StatusNotFound)
	case isForbidden(err):
		logFailure(r, errorlog.Error, "open", path, err)
		return web.Status(http.StatusForbidden)
	}
	logFailure(r, errorlog.Crit, "open", path, err)
	return web.Status(http.StatusInternalServerError)
}

// toDirectory redirects to the URI of a directory, with its slash.
func toDirectory(r *web.Request) web.Outcome {
	uri := web.EscapePath(r.URI) + "/"
	if r.Args != "" {
		uri += "?" + r.Args
	}
	return web.MovedTo(http.StatusMovedPermanently, uri)
}

// send sends a file, a part of it, or that it has not changed.
func send(r *web.Request, f *os.File, info fs.FileInfo) web.Outcome {
	h := r.Writer.Header()
	h.Set("Content-Type", r.ContentType())
	h.Set("ETag", fmt.Sprintf("\"%x-%x\"", info.ModTime().Unix(), info.Size()))
	request := *r.HTTP
	request.Method = r.Method
	request.Header = r.HTTP.Header.Clone()
	limitConditions(request.Header, info)
	w := r.Writer.Replacing(func(status int) bool {
		return status == http.StatusRequestedRangeNotSatisfiable || status == http.StatusPreconditionFailed
	})
	http.ServeContent(w, &request, "", info.ModTime(), f)
	return w.End()
}

// limitConditions removes the conditions of a request that nginx does not take as fulfilled: a file that has
// another time than If-Modified-Since has changed, even if it is older.
func limitConditions(h http.Header, info fs.FileInfo) {
	since := h.Get("If-Modified-Since")
	if since != "" && since != info.ModTime().UTC().Format(http.TimeFormat) {
		h.Del("If-Modified-Since")
	}
}
