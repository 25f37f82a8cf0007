// SPDX-License-Identifier: Apache-2.0

package compat

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/test/compat/coverage"
)

const pageFile = "../../docs/reference/compatibility.md"

const pageHead = `# What works of KubeVirt

<!-- Written by "make compatibility". What it says is tested by test/compat. -->

The baseline is KubeVirt 1.7.0.

## virtctl

Unmodified ` + "`virtctl`" + ` 1.7.0 is run against a server and its guests. Each command that works has the exit codes and texts,
and does to the guest, what it does on KubeVirt. Each that is said not to work yet was run as well, and failed.

`

const fieldsHead = `## Fields

A type holds only fields that work. A field that is not held is refused as unknown, and never silently ignored: nothing of
what is listed as missing here can be part of a machine that was accepted.

An area works when all of its fields are held, and, of an instance's spec, a test has seen what they do: in a guest, or in what it
is given. The instance's areas are those of a machine's ` + "`spec.template`" + ` as well.
`

func writePage() error { return os.WriteFile(pageFile, []byte(page()), 0o644) }

func TestPageIsCurrent(t *testing.T) {
	t.Parallel()
	committed, err := os.ReadFile(pageFile)
	require.NoError(t, err)
	assert.Equal(t, page(), string(committed), "run: make compatibility")
}

func page() string {
	var text strings.Builder
	text.WriteString(pageHead)
	for _, group := range groups() {
		fmt.Fprintf(&text, "### %s\n\n| Command | State | |\n|---|---|---|\n", group.title)
		for _, command := range group.commands {
			fmt.Fprintf(&text, "| `%s` | %s | %s |\n", command.name, command.state, command.remark)
		}
		text.WriteString("\n")
	}
	text.WriteString(examplesSection())
	text.WriteString(fieldsHead)
	kind := ""
	for _, area := range coverage.Areas() {
		if area.Kind != kind {
			kind = area.Kind
			fmt.Fprintf(&text, "\n### %s\n\n| Area | State | Fields held | Missing |\n|---|---|---|---|\n", kind)
		}
		text.WriteString(areaRow(area))
	}
	return text.String()
}

// examplesSection lists the manifests that are not taken.
func examplesSection() string {
	var rows strings.Builder
	taken := 0
	for _, example := range examples() {
		if example.refused == "" {
			taken++
			continue
		}
		fmt.Fprintf(&rows, "| `%s` | %s |\n", example.name, example.remark)
	}
	return fmt.Sprintf("## Example manifests\n\nOf the %d manifests in KubeVirt's folder `examples`, %d are taken as they are. The others:\n\n| Manifest | |\n|---|---|\n%s\n",
		len(examples()), taken, rows.String())
}

func areaRow(area coverage.Area) string {
	state, missing := "in part", area.MissingNames()
	switch {
	case area.HeldCount == 0:
		state, missing = "not yet", nil
	case !area.Proven():
		state = "held"
	case area.HeldCount == area.Count:
		state = "works"
	}
	for i, name := range missing {
		missing[i] = "`" + name + "`"
	}
	return fmt.Sprintf("| `%s` | %s | %d of %d | %s |\n", area.Path, state, area.HeldCount, area.Count, strings.Join(missing, " "))
}
