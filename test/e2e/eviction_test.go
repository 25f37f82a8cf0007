// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

func TestAGuestThatIsToMigrateAndCannotSaysSo(t *testing.T) {
	t.Parallel()
	p := suite.server.newSpace(t)
	p.apply(strings.Replace(emptyMachine, "      terminationGracePeriodSeconds", "      evictionStrategy: LiveMigrate\n      terminationGracePeriodSeconds", 1))
	p.apply(strings.Replace(emptyMachine, "name: bare", "name: later", 1))
	p.awaitStatus("bare", kubevirtv1.VirtualMachineStatusRunning)
	machine := p.awaitStatus("later", kubevirtv1.VirtualMachineStatusRunning)
	assert.True(t, machine.Status.HasCondition("LiveMigratable", corev1.ConditionFalse), "%+v", machine.Status.Conditions)

	table := p.Kubectl(t, "get", "vmi", "-n", p.name, "-o", "wide")
	header, _, _ := strings.Cut(table, "\n")
	assert.Contains(t, header, "LIVE-MIGRATABLE")
	assert.Regexp(t, `(?m)^bare .* True +False *$`, table)

	warnings := func(name string) []string {
		return strings.Fields(p.Kubectl(t, "get", "events", "-n", p.name, "-o", "jsonpath={.items[*].count}",
			"--field-selector", "type=Warning,reason=Migrated,involvedObject.kind=VirtualMachineInstance,involvedObject.name="+name))
	}
	require.Eventually(t, func() bool { return len(warnings("bare")) > 0 }, patience, tick)
	assert.Empty(t, warnings("later"))
	p.Kubectl(t, "patch", "vm", "later", "-n", p.name, "--type", "merge", "-p", `{"spec":{"template":{"spec":{"evictionStrategy":"LiveMigrate"}}}}`)
	require.Eventually(t, func() bool { return len(warnings("later")) > 0 }, patience, tick)
	for _, name := range []string{"bare", "later"} {
		assert.Equal(t, []string{"1"}, warnings(name), name)
	}
}
