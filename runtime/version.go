package runtime

import (
	"fmt"
	"io"
	"regexp"
	goruntime "runtime"
	"runtime/debug"

	"weir/directives"
	"weir/stream"
)

// nextRelease is the version of this source, or the next one to be released.
const nextRelease = "0.1.0"

// Version is weir's own version: the tag that the binary was built from, or nextRelease for any other
// build.
var Version = versionOf(buildInfo())

// buildInfo returns the build information that the Go tools stored in the binary.
func buildInfo() *debug.BuildInfo {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return &debug.BuildInfo{}
	}
	return info
}

var releaseTag = regexp.MustCompile(`^v(\d+\.\d+\.\d+)$`)

func versionOf(info *debug.BuildInfo) string {
	if m := releaseTag.FindStringSubmatch(info.Main.Version); m != nil {
		return m[1]
	}
	return nextRelease
}

// commitOf returns the commit that a binary was built from, in the format of -V; empty if unknown.
func commitOf(info *debug.BuildInfo) string {
	var commit, note string
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value[:min(len(s.Value), 12)]
		case s.Key == "vcs.modified" && s.Value == "true":
			note = ", modified"
		}
	}
	if commit == "" {
		return ""
	}
	return commit + note
}

// configured lists the features of this binary in nginx's words; tools read them. A module that is on by
// default in nginx and not supported yet by weir is listed as left out.
const configured = "--prefix=/usr/share/nginx --conf-path=" + DefaultConf + " --error-log-path=" + DefaultErrorLog +
	" --pid-path=" + DefaultPidFile + " --with-stream --with-stream_mqtt_preread_module --with-stream_ssl_preread_module" +
	" --with-stream_realip_module --with-stream_geoip_module" +
	" --without-http"

// WriteVersion writes the output of -v: weir's version and, where tools look for it, the compatible nginx
// version.
func WriteVersion(w io.Writer) {
	fmt.Fprintf(w, "weir version: weir/%s\nnginx version: nginx/%s (compatible)\n", Version, stream.NginxVersion)
}

// WriteBuild writes the additional lines of -V.
func WriteBuild(w io.Writer) {
	n := directives.Coverage()
	fmt.Fprintf(w, "built by %s\n", goruntime.Version())
	if commit := commitOf(buildInfo()); commit != "" {
		fmt.Fprintf(w, "built from commit %s\n", commit)
	}
	fmt.Fprintf(w, "directives: %d supported, %d accepted without effect, %d not supported yet, of %d\n", n.Full, n.Inert, n.Refused, n.Total)
	fmt.Fprintf(w, "configure arguments: %s\n", configured)
}
