package directives

import (
	"weir/directives/spec"
	"weir/stream"
)

// A content makes what a server serves its sessions with, from its merged settings.
type content func(*spec.Scope) stream.Content

// serveBy makes c the content of the server in which the directive stands: of several such directives the last one holds.
func serveBy(call *spec.Call, c content) { spec.At[streamConf](call.Level).content = c }
