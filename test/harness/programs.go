// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// repository is where the working directory of a test sees its top.
const repository = "../.."

// Programs are those that are tested, and kubectl.
type Programs struct {
	// Bin holds our own.
	Bin string
	// Kubectl is the path of that program.
	Kubectl string
}

func buildPrograms(dir string) (Programs, error) {
	build := exec.Command("go", "build", "-o", dir+"/", "./cmd/...")
	build.Dir = repository
	if output, err := build.CombinedOutput(); err != nil {
		return Programs{}, fmt.Errorf("build the programs: %w\n%s", err, output)
	}
	kubectl, err := Tool("kubectl")
	if err != nil {
		return Programs{}, err
	}
	return Programs{Bin: dir, Kubectl: kubectl}, nil
}

// Tool gives the path of a program that is not ours, one of those that hack/tools.sh builds.
func Tool(name string) (string, error) {
	find := exec.Command(repository+"/hack/tools.sh", name)
	find.Stderr = os.Stderr
	path, err := find.Output()
	if err != nil {
		return "", fmt.Errorf("build %s: %w", name, err)
	}
	return strings.TrimSpace(string(path)), nil
}

// Path is that of one of our own programs.
func (p Programs) Path(name string) string { return filepath.Join(p.Bin, name) }
