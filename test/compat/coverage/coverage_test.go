// SPDX-License-Identifier: Apache-2.0

package coverage

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write held.txt")

func TestHeldPathsAreTheCommittedOnes(t *testing.T) {
	now := Held()
	if *update {
		require.NoError(t, os.WriteFile(HeldFile, []byte(now), 0o644))
		return
	}
	current, committed := strings.Fields(strings.ReplaceAll(now, " ", ":")), strings.Fields(strings.ReplaceAll(held, " ", ":"))
	for _, path := range committed {
		assert.Contains(t, current, path, "coverage drops; where that is meant, run: make compatibility")
	}
	for _, path := range current {
		assert.Contains(t, committed, path, "coverage grows; run: make compatibility")
	}
	for _, area := range Areas() {
		t.Logf("%-32s %-36s %3d of %3d", area.Kind, area.Path, area.HeldCount, area.Count)
	}
}

// ownPaths are fields that the types which kubevirt.io/api names have not.
var ownPaths = []string{
	// KubeVirt keeps these in ControllerRevisions, of which a server on its own has none.
	"VirtualMachine status.instancetypeRef.spec",
	"VirtualMachine status.preferenceRef.spec",
	// Of a later CDI.
	"VirtualMachine spec.dataVolumeTemplates[].spec.source.http.checksum",
	"VirtualMachine spec.dataVolumeTemplates[].spec.source.http.insecureSkipVerify",
	// Of a later KubeVirt: the stock catalogues have them.
	"VirtualMachineInstancetype spec.launchSecurity.snp.policy",
	"VirtualMachinePreference spec.devices.preferredVideoType",
	"VirtualMachinePreference spec.preferredLaunchSecurity",
	"VirtualMachinePreference spec.preferredLaunchSecurity.sev",
	"VirtualMachinePreference spec.preferredLaunchSecurity.sev.attestation",
	"VirtualMachinePreference spec.preferredLaunchSecurity.sev.dhCert",
	"VirtualMachinePreference spec.preferredLaunchSecurity.sev.policy",
	"VirtualMachinePreference spec.preferredLaunchSecurity.sev.policy.encryptedState",
	"VirtualMachinePreference spec.preferredLaunchSecurity.sev.session",
	"VirtualMachinePreference spec.preferredLaunchSecurity.snp",
	"VirtualMachinePreference spec.preferredLaunchSecurity.snp.policy",
	"VirtualMachinePreference spec.preferredLaunchSecurity.tdx",
}

func TestEveryFieldIsOneOfKubeVirts(t *testing.T) {
	for _, kind := range kinds() {
		if kind.ours == nil {
			continue
		}
		theirs := paths(kind.theirs)
		for path, form := range paths(kind.ours) {
			if slices.Contains(ownPaths, kind.name+" "+path) {
				continue
			}
			assert.Equal(t, theirs[path], form, "%s %s: what it is in JSON", kind.name, path)
		}
	}
}
