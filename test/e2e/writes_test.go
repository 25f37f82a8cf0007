// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/test/harness"
)

// mostWrites is the budget of a machine from its creation to Running, events aside.
const mostWrites = 6

func TestFromCreateToRunningTakesFewWrites(t *testing.T) {
	t.Parallel()
	s := startServer(t) // nobody else writes there
	p := s.newSpace(t)
	p.importDisk("root", "16Mi")
	p.importDisk("warm-up", "16Mi")
	machine := func(name, claim string) *kubevirtv1.VirtualMachine {
		machine := bareMachine(name, kubevirtv1.RunStrategyAlways, "32Mi")
		addDisk(machine, "root", kubevirtv1.VolumeSource{PersistentVolumeClaim: &kubevirtv1.PersistentVolumeClaimVolumeSource{ClaimName: claim}})
		return machine
	}
	p.create(machine("warm-up", "warm-up"))
	p.awaitRunning("warm-up", nil)

	before := s.writes(t)
	p.create(machine("web", "root"))
	p.awaitRunning("web", nil)
	after := s.writes(t)
	total := 0
	for _, resource := range slices.Sorted(maps.Keys(after)) {
		if count := after[resource] - before[resource]; count > 0 {
			t.Logf("%d writes of %s", count, resource)
			total += count
		}
	}
	assert.LessOrEqual(t, total, mostWrites)
	assert.GreaterOrEqual(t, total, 3, "at least the machine, the instance and its status are written")
	harness.AssertStays(t, 3*time.Second, func() bool { return maps.Equal(s.writes(t), after) }, "a machine that just runs is written")
}

var writeCount = regexp.MustCompile(`(?m)^etcd_requests_total\{[^}]*operation="(?:create|update|delete)"[^}]*resource="([^"]*)"[^}]*\} (\S+)`)

// writes counts what the server wrote to etcd of machines, by resource. Events are apart, and the node changes with the host.
func (s *server) writes(t *testing.T) map[string]int {
	t.Helper()
	metrics := s.Kubectl(t, "get", "--raw", "/metrics")
	counts := map[string]int{}
	for _, match := range writeCount.FindAllStringSubmatch(metrics, -1) {
		if match[1] == "events" || match[1] == "nodes" {
			continue
		}
		count, err := strconv.ParseFloat(match[2], 64)
		require.NoError(t, err)
		counts[match[1]] += int(count)
	}
	require.NotEmpty(t, counts, "the metric has another name now")
	return counts
}
