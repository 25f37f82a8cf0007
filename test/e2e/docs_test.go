// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestCommandsInTheDocsWork runs the shell blocks of each page in their order, as a reader would, beside the files
// that other blocks name. Blocks that are marked "sh skip" need a terminal, or set up what is there already.
func TestCommandsInTheDocsWork(t *testing.T) {
	t.Parallel()
	var pages []string
	for _, pattern := range []string{"../../docs/tutorial/*.md", "../../docs/how-to/*.md"} {
		found, err := filepath.Glob(pattern)
		require.NoError(t, err)
		pages = append(pages, found...)
	}
	require.NotEmpty(t, pages)
	repository, err := filepath.Abs("../..")
	require.NoError(t, err)
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
				"IMAGES="+suite.Folder,
				"REPOSITORY="+repository)
			command.Dir = t.TempDir()
			for name, text := range fileBlocks(string(text)) {
				require.NoError(t, os.WriteFile(filepath.Join(command.Dir, name), []byte(text), 0o644))
			}
			output, err := command.CombinedOutput()
			assert.NoError(t, err, "%s", output)
		})
	}
}

// TestProgramOfTheGoClientWorks runs the program of its page as it is printed there.
func TestProgramOfTheGoClientWorks(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/how-to/use-the-go-client.md")
	require.NoError(t, err)
	program := fileBlocks(string(page))["main.go"]
	require.NotEmpty(t, program)
	path := filepath.Join(t.TempDir(), "main.go")
	require.NoError(t, os.WriteFile(path, []byte(program), 0o644))
	formatted, err := format.Source([]byte(program))
	require.NoError(t, err)
	assert.Equal(t, string(formatted), program, "it is not formatted")

	p := suite.server.newSpace(t)
	command := exec.CommandContext(t.Context(), "go", "run", path) // in this module, whose packages it imports
	command.Env = append(os.Environ(), "KUBECONFIG="+p.namespacedKubeconfig(), "IMAGE_URL="+suite.Images.URL(linuxImage))
	output, err := command.CombinedOutput()
	require.NoError(t, err, "%s", output)
	assert.Contains(t, string(output), "Running\n")
	assert.Contains(t, string(output), "login: \n")
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

// fileBlocks returns the contents of the blocks of page that begin with a language and the name of a file.
func fileBlocks(page string) map[string]string {
	files := map[string]string{}
	name := ""
	for line := range strings.Lines(page) {
		words := strings.Fields(line)
		switch {
		case name == "" && len(words) == 2 && strings.HasPrefix(line, "```") && words[1] != "skip":
			name = words[1]
		case strings.TrimSpace(line) == "```":
			name = ""
		case name != "":
			files[name] += line
		}
	}
	return files
}
