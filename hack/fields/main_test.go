// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEachFieldHasALine(t *testing.T) {
	var text strings.Builder
	require.NoError(t, write(&text))
	for _, line := range []string{
		"| `runStrategy` | string | RunStrategy is Always, Halted, Manual, RerunOnFailure or Once. |\n",
		"| `domain.cpu.cores` | integer | Cores in each socket; 1 by default. |\n",
		"| `domain.devices.disks[].name` | string | Name of the volume. |\n",
		"| `domain.memory.guest` | Quantity | ",
		"| `currentCPUTopology.sockets` | integer | ",
	} {
		assert.Contains(t, text.String(), line)
	}
	assert.NotContains(t, text.String(), "| `template.spec.domain` ", "it has a table of its own")
}
