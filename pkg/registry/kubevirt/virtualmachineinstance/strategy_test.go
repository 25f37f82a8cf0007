// SPDX-License-Identifier: Apache-2.0

package virtualmachineinstance

import (
	"testing"

	"github.com/stretchr/testify/assert"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

func TestLabelNamesTheNodeOfTheStatus(t *testing.T) {
	old := &kubevirtv1.VirtualMachineInstance{}
	scheduled := old.DeepCopy()
	scheduled.Status.NodeName = "node-a"
	statusStrategy{}.PrepareForUpdate(t.Context(), scheduled, old)
	assert.Equal(t, map[string]string{kubevirtv1.NodeNameLabel: "node-a"}, scheduled.Labels)

	for name, labels := range map[string]map[string]string{
		"changed": {kubevirtv1.NodeNameLabel: "node-b", "a": "b"},
		"removed": {"a": "b"},
	} {
		edited := scheduled.DeepCopy()
		edited.Labels = labels
		instanceStrategy{}.PrepareForUpdate(t.Context(), edited, scheduled)
		assert.Equal(t, map[string]string{kubevirtv1.NodeNameLabel: "node-a", "a": "b"}, edited.Labels, name)
	}
	pretended := old.DeepCopy()
	pretended.Labels = map[string]string{kubevirtv1.NodeNameLabel: "node-b"}
	instanceStrategy{}.PrepareForUpdate(t.Context(), pretended, old)
	assert.Empty(t, pretended.Labels)
}
