package runtime

import (
	"runtime/debug"
	"testing"
)

func TestVersionOfTheReleaseTag(t *testing.T) {
	for module, want := range map[string]string{
		"v1.2.3": "1.2.3", "(devel)": nextRelease, "": nextRelease, "v1.2.4-0.20261129140000-0123456789ab": nextRelease,
		"v1.2.3+dirty": nextRelease,
	} {
		if got := versionOf(&debug.BuildInfo{Main: debug.Module{Version: module}}); got != want {
			t.Errorf("%q: got %s, want %s", module, got, want)
		}
	}
}

func TestCommit(t *testing.T) {
	const revision = "0123456789abcdef0123456789abcdef01234567"
	for name, row := range map[string]struct {
		settings []debug.BuildSetting
		want     string
	}{
		"none":     {nil, ""},
		"clean":    {[]debug.BuildSetting{{Key: "vcs.revision", Value: revision}, {Key: "vcs.modified", Value: "false"}}, "0123456789ab"},
		"modified": {[]debug.BuildSetting{{Key: "vcs.revision", Value: revision}, {Key: "vcs.modified", Value: "true"}}, "0123456789ab, modified"},
		"short":    {[]debug.BuildSetting{{Key: "vcs.revision", Value: "012"}}, "012"},
	} {
		if got := commitOf(&debug.BuildInfo{Settings: row.settings}); got != row.want {
			t.Errorf("%s: got %q, want %q", name, got, row.want)
		}
	}
}
