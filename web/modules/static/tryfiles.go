package static

import (
	"os"
	"strings"

	"weir/internal/errorlog"
	"weir/web"
)

// TryFiles is try_files.
type TryFiles struct {
	Files    []Try
	Fallback web.Template // a URI or a named location, unless Status is set
	Status   int
}

// A Try is one of the files, or a directory.
type Try struct {
	Name  web.Template
	IsDir bool
}

// Try implements web.TryHandler. It follows ngx_http_try_files_handler.
func (t *TryFiles) Try(r *web.Request) web.Outcome {
	for _, f := range t.Files {
		uri := f.Name.Eval(r)
		path := r.FilenameOf(uri)
		if leavesRoot(path) {
			continue
		}
		info, err := os.Stat(path)
		switch {
		case err == nil && info.IsDir() == f.IsDir:
			r.URI = uri
			return web.Next()
		case err != nil && !isMissing(err):
			logFailure(r, errorlog.Crit, "stat", path, err)
		}
	}
	if t.Status != 0 {
		return web.Status(t.Status)
	}
	to := t.Fallback.Eval(r)
	if strings.HasPrefix(to, "@") {
		return web.NamedLocation(to)
	}
	path, args, _ := strings.Cut(to, "?")
	return web.Redirect(path, args)
}
