package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io/fs"
	"path"
	"path/filepath"
	"time"
)

// A file is an entry of an archive or a package.
type file struct {
	path   string
	mode   fs.FileMode
	data   []byte
	dir    bool
	uid    int
	config bool // the operator's: a package keeps changes
}

// tarOf returns files as a tar archive, with one time for all.
func tarOf(files []file, at time.Time) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		h := &tar.Header{
			Name: f.path, Mode: int64(f.mode), Size: int64(len(f.data)), Typeflag: tar.TypeReg,
			Uid: f.uid, Gid: f.uid, ModTime: at, Format: tar.FormatUSTAR,
		}
		if f.dir {
			h.Typeflag, h.Name = tar.TypeDir, f.path+"/"
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}

// gzipped compresses data without a name and a time.
func gzipped(data []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	err = w.Close()
	return b.Bytes(), err
}

// archived maps the files of an archive to those of the repository.
var archived = []struct{ path, source string }{
	{"CHANGELOG.md", "CHANGELOG.md"},
	{"LICENSE", "LICENSE"},
	{"README.md", "README.md"},
	{"completions/_weir", "packaging/completions/_weir"},
	{"completions/weir.bash", "packaging/completions/weir.bash"},
	{"completions/weir.fish", "packaging/completions/weir.fish"},
	{"logrotate/weir", "packaging/logrotate"},
	{"man/man5/weir.conf.5", "packaging/weir.conf.5"},
	{"man/man8/weir.8", "packaging/weir.8"},
	{"nginx.conf", "packaging/nginx.conf"},
	{"systemd/weir.service", "packaging/weir.service"},
	{"sysusers.d/weir.conf", "packaging/sysusers.conf"},
}

// archive writes the archive of a processor.
func (r *release) archive(t target) error {
	top := "weir-" + r.version + "-linux-" + t.name
	files := []file{
		{path: top, mode: 0o755, dir: true},
		{path: path.Join(top, "weir"), mode: 0o755, data: r.binaries[t]},
		{path: path.Join(top, "THIRD-PARTY"), mode: 0o644, data: thirdParty(r.notices)},
	}
	for _, a := range archived {
		data, err := r.source(a.source)
		if err != nil {
			return err
		}
		files = append(files, file{path: path.Join(top, a.path), mode: 0o644, data: data})
	}
	return r.writeTarball(top+".tar.gz", files)
}

func (r *release) writeTarball(name string, files []file) error {
	data, err := tarOf(files, r.time)
	if err != nil {
		return err
	}
	if data, err = gzipped(data); err != nil {
		return err
	}
	return r.write(name, data)
}

const chartDir = "packaging/charts/weir"

// chart writes the Helm chart with the versions of the release.
func (r *release) chart() error {
	var files []file
	top := filepath.Join(r.root, chartDir)
	err := filepath.WalkDir(top, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		relative, err := filepath.Rel(top, name)
		if err != nil {
			return err
		}
		data, err := r.source(filepath.Join(chartDir, relative))
		if relative == "Chart.yaml" {
			data = bytes.ReplaceAll(data, []byte("0.0.0"), []byte(r.version))
		}
		files = append(files, file{path: path.Join("weir", filepath.ToSlash(relative)), mode: 0o644, data: data})
		return err
	})
	if err != nil {
		return err
	}
	return r.writeTarball("weir-chart-"+r.version+".tgz", files)
}
