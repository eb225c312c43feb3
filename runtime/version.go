package runtime

import (
	"fmt"
	"io"
	goruntime "runtime"

	"weir/directives"
	"weir/stream"
)

// Version is weir's own version.
const Version = "0.1.0"

// configured are nginx's words for what this binary was built with; tools read what it can do from them. What is on by default in
// nginx and not served yet by weir is named as left out.
const configured = "--prefix=/usr/share/nginx --conf-path=" + DefaultConf + " --error-log-path=" + DefaultErrorLog +
	" --pid-path=" + DefaultPidFile + " --with-stream --with-stream_mqtt_preread_module --with-stream_realip_module --with-stream_geoip_module" +
	" --without-http"

// WriteVersion writes the lines of -v: weir's version and, where tools look for it, that of the nginx it stands in for.
func WriteVersion(w io.Writer) {
	fmt.Fprintf(w, "weir version: weir/%s\nnginx version: nginx/%s (compatible)\n", Version, stream.NginxVersion)
}

// WriteBuild writes what -V adds to them.
func WriteBuild(w io.Writer) {
	n := directives.Coverage()
	fmt.Fprintf(w, "built by %s\n", goruntime.Version())
	fmt.Fprintf(w, "directives: %d full, %d inert, %d refused, of %d\n", n.Full, n.Inert, n.Refused, n.Total)
	fmt.Fprintf(w, "configure arguments: %s\n", configured)
}
