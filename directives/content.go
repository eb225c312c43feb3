package directives

import (
	"weir/directives/conf"
	"weir/stream"
)

// A content makes the content of a server from its merged settings.
type content func(*serverBuild) stream.Content

// serveBy makes c the content of the server that contains the directive; of several such directives
// the last one applies.
func serveBy(call *conf.Call, c content) { conf.At[streamConf](call.Level).content = c }
