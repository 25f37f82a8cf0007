// SPDX-License-Identifier: Apache-2.0

package version

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The keys are those of upstream's answer.
func TestKubeVirtsClientsAreToldAll(t *testing.T) {
	text, err := json.Marshal(KubeVirt())
	require.NoError(t, err)
	var told map[string]string
	require.NoError(t, json.Unmarshal(text, &told))
	for _, key := range []string{"gitVersion", "gitCommit", "gitTreeState", "buildDate", "goVersion", "compiler", "platform"} {
		assert.NotEmpty(t, told[key], key)
	}
}

func TestTreeStateIsThatOfTheBuild(t *testing.T) {
	assert.Equal(t, "dirty", treeState("v0.1.0+abc-dirty"))
	assert.Equal(t, "clean", treeState("v0.1.0+abc"))
}
