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

// nextRelease is the version that this source is on its way to, or is.
const nextRelease = "0.1.0"

// Version is weir's own version: that of the tag the binary was built from, and nextRelease for any other build.
var Version = versionOf(buildInfo())

// buildInfo is what the Go tools have noted in the binary.
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

// commitOf returns the commit that a binary was built from, in the words of -V; empty if it is not known.
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
	if commit := commitOf(buildInfo()); commit != "" {
		fmt.Fprintf(w, "built from commit %s\n", commit)
	}
	fmt.Fprintf(w, "directives: %d full, %d inert, %d refused, of %d\n", n.Full, n.Inert, n.Refused, n.Total)
	fmt.Fprintf(w, "configure arguments: %s\n", configured)
}
