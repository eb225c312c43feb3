package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/apk" // registers itself
	_ "github.com/goreleaser/nfpm/v2/deb" // registers itself
	"github.com/goreleaser/nfpm/v2/files"
	_ "github.com/goreleaser/nfpm/v2/rpm" // registers itself
)

// A format is a format of packages.
type format struct {
	name    string
	zshDir  string
	depends []string
	scripts nfpm.Scripts
	own     func(r *release) ([]file, error) // the files that only this format has
}

const maintainerDir = "packaging/maintainer/"

var formats = []format{
	{
		name:    "deb",
		zshDir:  "/usr/share/zsh/vendor-completions",
		depends: []string{"systemd | systemd-standalone-sysusers | systemd-sysusers"},
		scripts: nfpm.Scripts{
			PostInstall: maintainerDir + "deb.postinst", PreRemove: maintainerDir + "deb.prerm", PostRemove: maintainerDir + "deb.postrm",
		},
		own: (*release).debianFiles,
	},
	{
		name:   "rpm",
		zshDir: "/usr/share/zsh/site-functions",
		scripts: nfpm.Scripts{
			PostInstall: maintainerDir + "rpm.post", PreRemove: maintainerDir + "rpm.preun", PostRemove: maintainerDir + "rpm.postun",
		},
		own: (*release).licenseFiles,
	},
	{
		name:    "apk",
		zshDir:  "/usr/share/zsh/site-functions",
		scripts: nfpm.Scripts{PreInstall: maintainerDir + "apk.pre-install"},
		own:     (*release).alpineFiles,
	},
}

// packages writes the packages of a processor. stage is an empty directory for the files that nfpm reads.
func (r *release) packages(t target, stage string) error {
	for _, f := range formats {
		if err := r.pack(f, t, filepath.Join(stage, f.name)); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return nil
}

func (r *release) pack(f format, t target, stage string) error {
	all, err := r.packaged(f, t)
	if err != nil {
		return err
	}
	info := r.info(f, t)
	if info.Contents, err = r.stage(all, stage); err != nil {
		return err
	}
	if err := nfpm.PrepareForPackager(info, f.name); err != nil {
		return err
	}
	packager, err := nfpm.Get(f.name)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := packager.Package(info, &b); err != nil {
		return err
	}
	return r.write(packager.ConventionalFileName(info), b.Bytes())
}

const description = `load balancer for MQTT that reads nginx.conf
weir serves the stream block of an nginx configuration, with the
directives of NGINX Plus for MQTT, and sends each client to the broker
that its client identifier hashes to. Signals, messages and exit codes
are those of nginx.`

// info describes a package.
func (r *release) info(f format, t target) *nfpm.Info {
	scripts := f.scripts
	for _, path := range []*string{&scripts.PreInstall, &scripts.PostInstall, &scripts.PreRemove, &scripts.PostRemove} {
		if *path != "" {
			*path = filepath.Join(r.root, *path)
		}
	}
	return nfpm.WithDefaults(&nfpm.Info{
		Name: "weir", Arch: t.arch + t.arm, Platform: "linux",
		Version: r.number, Prerelease: r.prerelease, Release: "1",
		Section: "net", Priority: "optional", Maintainer: r.maintainer, Vendor: "the weir authors",
		Description: description, License: "BSD-2-Clause", MTime: r.time,
		Overridables: nfpm.Overridables{
			Depends: f.depends, Scripts: scripts, Umask: 0o022,
			RPM: nfpm.RPM{BuildHost: "localhost", Summary: strings.SplitN(description, "\n", 2)[0], Group: "System Environment/Daemons"},
			Deb: nfpm.Deb{Compression: "xz"},
		},
	})
}

// stage writes files to disk, where nfpm reads them.
func (r *release) stage(all []file, dir string) (contents files.Contents, err error) {
	for _, f := range all {
		c := &files.Content{
			Destination: f.path,
			FileInfo:    &files.ContentFileInfo{Owner: "root", Group: "root", Mode: f.mode, MTime: r.time},
		}
		contents = append(contents, c)
		if f.dir {
			c.Type = files.TypeDir
			continue
		}
		if f.config {
			c.Type = files.TypeConfigNoReplace
		}
		c.Source = filepath.Join(dir, f.path)
		if err := os.MkdirAll(filepath.Dir(c.Source), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(c.Source, f.data, f.mode); err != nil {
			return nil, err
		}
	}
	return contents, nil
}

// packaged lists the files of a package.
func (r *release) packaged(f format, t target) ([]file, error) {
	unit, err := r.source("packaging/weir.service")
	if err != nil {
		return nil, err
	}
	all := []file{
		{path: "/usr/sbin/weir", mode: 0o755, data: r.binaries[t]},
		{path: "/var/log/weir", mode: 0o755, dir: true},
		{path: "/usr/lib/systemd/system/weir.service", mode: 0o644, data: packagedUnit(unit)},
	}
	for _, s := range []struct {
		path, source string
		config       bool
	}{
		{path: "/etc/weir/nginx.conf", source: "packaging/nginx.conf", config: true},
		{path: "/etc/logrotate.d/weir", source: "packaging/logrotate", config: true},
		{path: "/usr/lib/sysusers.d/weir.conf", source: "packaging/sysusers.conf"},
		{path: "/usr/share/bash-completion/completions/weir", source: "packaging/completions/weir.bash"},
		{path: f.zshDir + "/_weir", source: "packaging/completions/_weir"},
		{path: "/usr/share/fish/vendor_completions.d/weir.fish", source: "packaging/completions/weir.fish"},
	} {
		data, err := r.source(s.source)
		if err != nil {
			return nil, err
		}
		all = append(all, file{path: s.path, mode: 0o644, data: data, config: s.config})
	}
	for _, page := range []struct{ path, source string }{
		{"/usr/share/man/man5/weir.conf.5.gz", "packaging/weir.conf.5"},
		{"/usr/share/man/man8/weir.8.gz", "packaging/weir.8"},
	} {
		data, err := r.source(page.source)
		if err != nil {
			return nil, err
		}
		if data, err = gzipped(data); err != nil {
			return nil, err
		}
		all = append(all, file{path: page.path, mode: 0o644, data: data})
	}
	own, err := f.own(r)
	return append(all, own...), err
}

// packagedUnit returns the systemd unit with the paths of packages.
func packagedUnit(unit []byte) []byte {
	unit = bytes.ReplaceAll(unit, []byte("/usr/local/sbin/"), []byte("/usr/sbin/"))
	return bytes.ReplaceAll(unit, []byte("WEIR_CONF=/etc/nginx/"), []byte("WEIR_CONF=/etc/weir/"))
}

// debianFiles returns the files that Debian's policy asks for.
func (r *release) debianFiles() ([]file, error) {
	license, err := r.source("LICENSE")
	if err != nil {
		return nil, err
	}
	overrides, err := r.source("packaging/lintian-overrides")
	if err != nil {
		return nil, err
	}
	version := r.number
	if r.prerelease != "" {
		version += "~" + r.prerelease
	}
	changes, err := gzipped(fmt.Appendf(nil, "weir (%s-1) unstable; urgency=medium\n\n  * New upstream version; CHANGELOG.md lists the changes.\n\n -- %s  %s\n",
		version, r.maintainer, r.time.Format("Mon, 02 Jan 2006 15:04:05 -0700")))
	if err != nil {
		return nil, err
	}
	log, err := r.source("CHANGELOG.md")
	if err != nil {
		return nil, err
	}
	if log, err = gzipped(log); err != nil {
		return nil, err
	}
	const doc = "/usr/share/doc/weir/"
	return []file{
		{path: doc + "copyright", mode: 0o644, data: copyright(string(license), r.notices)},
		{path: doc + "changelog.gz", mode: 0o644, data: log},
		{path: doc + "changelog.Debian.gz", mode: 0o644, data: changes},
		{path: "/usr/share/lintian/overrides/weir", mode: 0o644, data: overrides},
	}, nil
}

// licenseFiles returns the licences.
func (r *release) licenseFiles() ([]file, error) {
	license, err := r.source("LICENSE")
	return []file{
		{path: "/usr/share/licenses/weir/LICENSE", mode: 0o644, data: license},
		{path: "/usr/share/licenses/weir/THIRD-PARTY", mode: 0o644, data: thirdParty(r.notices)},
	}, err
}

// alpineFiles returns the licences and the service of OpenRC.
func (r *release) alpineFiles() ([]file, error) {
	all, err := r.licenseFiles()
	if err != nil {
		return nil, err
	}
	service, err := r.source("packaging/openrc")
	return append(all, file{path: "/etc/init.d/weir", mode: 0o755, data: service}), err
}
