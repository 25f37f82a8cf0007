// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestCommandsInTheDocsWork runs the shell blocks of each page in their order, as a reader would. Blocks
// that are marked "sh skip" need a terminal, or set up what is there already.
func TestCommandsInTheDocsWork(t *testing.T) {
	t.Parallel()
	var pages []string
	for _, pattern := range []string{"../../docs/tutorial/*.md", "../../docs/how-to/*.md"} {
		found, err := filepath.Glob(pattern)
		require.NoError(t, err)
		pages = append(pages, found...)
	}
	require.NotEmpty(t, pages)
	for _, page := range pages {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		script := shellBlocks(string(text))
		if script == "" {
			continue
		}
		t.Run(filepath.Base(page), func(t *testing.T) {
			t.Parallel()
			p := suite.server.newSpace(t)
			command := exec.CommandContext(t.Context(), "bash", "-euxo", "pipefail", "-c", script)
			command.Env = append(os.Environ(),
				"KUBECONFIG="+p.namespacedKubeconfig(),
				"PATH="+suite.Bin+":"+filepath.Dir(suite.Kubectl)+":"+os.Getenv("PATH"),
				"IMAGE_URL="+suite.Images.URL(linuxImage),
				"IMAGES="+suite.Folder)
			command.Dir = t.TempDir()
			output, err := command.CombinedOutput()
			assert.NoError(t, err, "%s", output)
		})
	}
}

// namespacedKubeconfig gives a kubeconfig whose namespace is the test's.
func (p *space) namespacedKubeconfig() string {
	p.t.Helper()
	text, err := os.ReadFile(p.Kubeconfig())
	require.NoError(p.t, err)
	path := filepath.Join(p.t.TempDir(), "kubeconfig")
	require.NoError(p.t, os.WriteFile(path, text, 0o600))
	_, message, err := p.TryKubectl(p.t, "", "config", "set-context", "--current", "--namespace="+p.name, "--kubeconfig="+path)
	require.NoError(p.t, err, message)
	return path
}

// shellBlocks returns the contents of the blocks of page that begin with ```sh and nothing else.
func shellBlocks(page string) string {
	var script strings.Builder
	inside := false
	for line := range strings.Lines(page) {
		switch fence := strings.TrimSpace(line); {
		case fence == "```sh":
			inside = true
		case fence == "```":
			inside = false
		case inside:
			script.WriteString(line)
		}
	}
	return script.String()
}
