// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// programs are those that are tested, and kubectl.
type programs struct {
	// bin holds our own.
	bin     string
	kubectl string
}

func buildPrograms(dir string) (programs, error) {
	build := exec.Command("go", "build", "-o", dir+"/", "./cmd/...")
	build.Dir = "../.."
	if output, err := build.CombinedOutput(); err != nil {
		return programs{}, fmt.Errorf("build the programs: %w\n%s", err, output)
	}
	find := exec.Command("../../hack/tools.sh", "kubectl")
	find.Stderr = os.Stderr
	kubectl, err := find.Output()
	if err != nil {
		return programs{}, fmt.Errorf("build kubectl: %w", err)
	}
	return programs{bin: dir, kubectl: strings.TrimSpace(string(kubectl))}, nil
}

func (p programs) path(name string) string { return filepath.Join(p.bin, name) }
