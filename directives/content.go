package directives

import (
	"weir/directives/conf"
	"weir/stream"
)

// A content makes what a server serves its sessions with, from its merged settings.
type content func(*conf.Scope) stream.Content

// serveBy makes c the content of the server in which the directive stands: of several such directives the last one holds.
func serveBy(call *conf.Call, c content) { conf.At[streamConf](call.Level).content = c }
