package main

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// image writes an archive of an OCI layout, with an image for each processor.
func (r *release) image() error {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, t := range targets {
		image, err := r.imageOf(t)
		if err != nil {
			return fmt.Errorf("image: %s: %w", t.name, err)
		}
		platform := platformOf(t)
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: &platform}})
	}
	dir, err := os.MkdirTemp("", "weir-image-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	l, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	name := map[string]string{"org.opencontainers.image.ref.name": r.version}
	if err := l.AppendIndex(index, layout.WithAnnotations(name)); err != nil {
		return err
	}
	files, err := filesBelow(dir)
	if err != nil {
		return err
	}
	data, err := tarOf(files, r.time)
	if err != nil {
		return err
	}
	return r.write("weir-"+r.version+"-image.tar", data)
}

func platformOf(t target) v1.Platform {
	p := v1.Platform{OS: "linux", Architecture: t.arch}
	if t.arm != "" {
		p.Variant = "v" + t.arm
	}
	return p
}

// imageUser is the user of the image.
const imageUser = 65532

// imageOf returns the image for a processor: the binary, the licences, and the directories that the user may write to.
func (r *release) imageOf(t target) (v1.Image, error) {
	license, err := r.source("LICENSE")
	if err != nil {
		return nil, err
	}
	content, err := tarOf([]file{
		{path: "etc", mode: 0o755, dir: true},
		{path: "etc/group", mode: 0o644, data: fmt.Appendf(nil, "root:x:0:\nweir:x:%d:\n", imageUser)},
		{path: "etc/nginx", mode: 0o755, dir: true, uid: imageUser},
		{path: "etc/passwd", mode: 0o644, data: fmt.Appendf(nil, "root:x:0:0:root:/:/sbin/nologin\nweir:x:%d:%[1]d:weir:/:/sbin/nologin\n", imageUser)},
		{path: "licenses", mode: 0o755, dir: true},
		{path: "licenses/LICENSE", mode: 0o644, data: license},
		{path: "licenses/THIRD-PARTY", mode: 0o644, data: thirdParty(r.notices)},
		{path: "logs", mode: 0o755, dir: true, uid: imageUser},
		{path: "run", mode: 0o1777, dir: true, uid: imageUser},
		{path: "tmp", mode: 0o1777, dir: true},
		{path: "weir", mode: 0o755, data: r.binaries[t]},
	}, r.time)
	if err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
	layer, err := tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	base, err = mutate.ConfigFile(base, r.imageConfig(t))
	if err != nil {
		return nil, err
	}
	return mutate.Append(base, mutate.Addendum{Layer: layer, History: v1.History{
		Created: v1.Time{Time: r.time}, CreatedBy: "weir " + r.version,
	}})
}

// imageConfig returns what packaging/Dockerfile sets as well.
func (r *release) imageConfig(t target) *v1.ConfigFile {
	p := platformOf(t)
	return &v1.ConfigFile{
		Created: v1.Time{Time: r.time}, OS: p.OS, Architecture: p.Architecture, Variant: p.Variant,
		RootFS: v1.RootFS{Type: "layers"},
		Config: v1.Config{
			User:         fmt.Sprintf("%d:%[1]d", imageUser),
			ExposedPorts: map[string]struct{}{"1883/tcp": {}},
			StopSignal:   "SIGQUIT",
			Entrypoint:   []string{"/weir", "-p", "/", "-e", "stderr", "-g", "daemon off; pid /run/weir.pid;"},
			WorkingDir:   "/",
			Labels: map[string]string{
				"org.opencontainers.image.title":    "weir",
				"org.opencontainers.image.version":  r.version,
				"org.opencontainers.image.licenses": "BSD-2-Clause",
			},
		},
	}
}

// filesBelow reads the files below a directory, in the order of their names.
func filesBelow(dir string) (all []file, err error) {
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		relative, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		f := file{path: filepath.ToSlash(relative), mode: 0o644}
		if d.IsDir() {
			f.mode, f.dir = 0o755, true
		} else if f.data, err = os.ReadFile(name); err != nil {
			return err
		}
		all = append(all, f)
		return nil
	})
	return all, err
}
