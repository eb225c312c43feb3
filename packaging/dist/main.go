// Command dist builds the files of a release: archives, Debian, RPM and Alpine packages, an image, a chart, a bill of materials and
// their checksums. Two runs for one commit write the same bytes.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	root := flag.String("root", "../..", "the repository")
	out := flag.String("out", "../../dist", "the directory to write; what it has is removed")
	maintainer := flag.String("maintainer", "The weir authors <weir@localhost>", "the maintainer of the packages")
	flag.Parse()
	if err := run(*root, *out, *maintainer); err != nil {
		fmt.Fprintln(os.Stderr, "dist:", err)
		os.Exit(1)
	}
}

// run writes all files of a release.
func run(root, out, maintainer string) error {
	r, err := newRelease(root, out, maintainer)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(r.out); err != nil {
		return err
	}
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "weir-dist-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	for _, t := range targets {
		if err := r.target(t, temp); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	for _, write := range []func() error{r.image, r.chart, r.billOfMaterials, r.checksums} {
		if err := write(); err != nil {
			return err
		}
	}
	fmt.Printf("dist: weir %s in %s\n", r.version, r.out)
	return nil
}

// target builds the binary for a processor, and its archive and packages.
func (r *release) target(t target, temp string) error {
	binary, err := r.build(t, temp)
	if err != nil {
		return err
	}
	r.binaries[t] = binary
	if err := r.archive(t); err != nil {
		return err
	}
	stage := filepath.Join(temp, t.name)
	if err := os.Mkdir(stage, 0o755); err != nil {
		return err
	}
	return r.packages(t, stage)
}
