package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
)

// cyclonedx is the program that writes the bill of materials.
const cyclonedx = "github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0"

// billOfMaterials writes the modules that the binary contains, in the format of CycloneDX. They are the same for all processors.
func (r *release) billOfMaterials() error {
	dir, err := os.MkdirTemp("", "weir-sbom-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "weir")
	if err := os.WriteFile(binary, r.binaries[targets[0]], 0o755); err != nil {
		return err
	}
	path := filepath.Join(r.out, "weir-"+r.version+"-sbom.cdx.json")
	cmd := r.command("go", "run", "-trimpath", cyclonedx,
		"bin", "-json", "-std", "-noserial", "-notimestamp", "-version", r.version, "-output", path, binary)
	return cmd.Run()
}

// checksums writes SHA256SUMS for all files of the release.
func (r *release) checksums() error {
	entries, err := os.ReadDir(r.out)
	if err != nil {
		return err
	}
	var sums bytes.Buffer
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(r.out, e.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(data), e.Name())
	}
	return r.write("SHA256SUMS", sums.Bytes())
}
