package main

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
)

// hostID is the user of this machine that user 0 of a container is. The users above it have no rights here.
const hostID = 100000

// TestImage runs the image in a user namespace, with a read-only root and no capability, and connects a client.
func TestImage(t *testing.T) {
	archive := artifact(t, "weir-*-image.tar")
	needs(t, true, "runc", "tar")
	oci, bundle, conf := t.TempDir(), t.TempDir(), t.TempDir()
	if err := os.Chmod(filepath.Dir(bundle), 0o755); err != nil { // for the users of the namespace
		t.Fatal(err)
	}
	output(t, "tar", "-xf", archive, "-C", oci)
	image := imageFor(t, oci, machine(t))
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	extract(t, image, filepath.Join(bundle, "rootfs"))

	broker, addr := startBroker(t), freeAddr(t)
	text := "error_log stderr notice; events { } stream { server { listen " + addr + "; proxy_pass " + broker + "; } }\n"
	if err := os.WriteFile(filepath.Join(conf, "nginx.conf"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	writeSpec(t, filepath.Join(bundle, "config.json"), config, conf)

	c := startContainer(t, bundle)
	client := mustConnect(t, addr, "image-1")
	if err := client.ping(); err != nil {
		t.Error(err)
	}
	c.kill("QUIT")
	await(t, "the listening socket to close", func() error {
		if late, err := connect(addr, "image-2"); err == nil {
			late.Close()
			return errors.New("a client is accepted after QUIT")
		}
		return nil
	})
	if err := client.ping(); err != nil {
		t.Errorf("QUIT ended a session: %v", err)
	}
	client.Close()
	if err := c.wait(); err != nil {
		t.Errorf("after the last session the container ends with %v", err)
	}
}

// imageFor returns the image of a processor from an OCI layout.
func imageFor(t *testing.T, dir string, want target) v1.Image {
	t.Helper()
	l, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	outer, err := partial.FindIndexes(l, func(v1.Descriptor) bool { return true })
	if err != nil || len(outer) != 1 {
		t.Fatalf("the layout has %d indexes (%v)", len(outer), err)
	}
	platform := platformOf(want)
	images, err := partial.FindImages(outer[0], func(d v1.Descriptor) bool { return d.Platform.Equals(platform) })
	if err != nil || len(images) != 1 {
		t.Fatalf("the index has %d images for %v (%v)", len(images), platform, err)
	}
	return images[0]
}

// extract writes the files of an image, with the users of the namespace.
func extract(t *testing.T, image v1.Image, dir string) {
	t.Helper()
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	content := mutate.Extract(image)
	defer content.Close()
	for r := tar.NewReader(content); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, h.Name)
		if h.Typeflag == tar.TypeDir {
			err = os.MkdirAll(path, 0o755)
		} else {
			err = os.WriteFile(path, data, 0o755)
		}
		// Chown clears bits of the mode.
		if err := errors.Join(err, os.Chown(path, hostID+h.Uid, hostID+h.Gid), os.Chmod(path, h.FileInfo().Mode())); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(dir, hostID, hostID); err != nil {
		t.Fatal(err)
	}
}

// writeSpec writes the configuration of runc for an image, as a container engine makes it.
func writeSpec(t *testing.T, path string, image *v1.ConfigFile, conf string) {
	t.Helper()
	type object map[string]any
	if image.Config.User != "65532:65532" {
		t.Errorf("the image has the user %q", image.Config.User)
	}
	ids := []object{{"containerID": 0, "hostID": hostID, "size": 65536}}
	spec := object{
		"ociVersion": "1.0.2",
		"process": object{
			"user": object{"uid": imageUser, "gid": imageUser}, "args": append(image.Config.Entrypoint, image.Config.Cmd...),
			"cwd": image.Config.WorkingDir, "noNewPrivileges": true,
		},
		"root":     object{"path": "rootfs", "readonly": true},
		"hostname": "weir",
		"mounts": []object{
			{"destination": "/proc", "type": "proc", "source": "proc"},
			{"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": []string{"nosuid", "strictatime", "mode=755", "size=65536k"}},
			{"destination": "/run", "type": "tmpfs", "source": "tmpfs", "options": []string{"nosuid", "nodev", "noexec"}},
			{"destination": "/etc/nginx", "type": "bind", "source": conf, "options": []string{"rbind", "ro"}},
		},
		"linux": object{
			"namespaces":  []object{{"type": "pid"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}, {"type": "user"}},
			"uidMappings": ids, "gidMappings": ids,
		},
	}
	text, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
}

// A container is a running runc.
type container struct {
	t     *testing.T
	state string
	ended chan error
	log   strings.Builder // readable once it has ended
}

const containerName = "weir-test"

func startContainer(t *testing.T, bundle string) *container {
	t.Helper()
	c := &container{t: t, state: t.TempDir(), ended: make(chan error, 1)}
	cmd := exec.Command("runc", "--root", c.state, "run", "--bundle", bundle, containerName)
	cmd.Stdout, cmd.Stderr = &c.log, &c.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { c.ended <- cmd.Wait() }()
	t.Cleanup(func() {
		exec.Command("runc", "--root", c.state, "delete", "--force", containerName).Run()
		if t.Failed() {
			c.wait()
			t.Log(c.log.String())
		}
	})
	return c
}

func (c *container) kill(signal string) {
	c.t.Helper()
	output(c.t, "runc", "--root", c.state, "kill", containerName, signal)
}

// wait returns how the container has ended.
func (c *container) wait() error {
	err := <-c.ended
	c.ended <- err
	return err
}
