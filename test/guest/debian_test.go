// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestDebianGuestAppliesItsSeed(t *testing.T) {
	for _, test := range []struct {
		name     string
		firmware firmware
	}{
		{"BIOS", bios},
		{"UEFI", uefi},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			agent := filepath.Join(t.TempDir(), "agent")
			m := start(t, "1G", join([]string{"-smp", "2"}, test.firmware(t),
				disk(t, "debian-image.sh", "3G"), onVirtio("disk"),
				noCloud(t, "meta", debianSeed), asSATACDROM("seed"), network(""), agentChannel(agent))...)

			m.logIn(t, "looking-glass", "alice", "rabbit")
			assert.Contains(t, m.ask(t, "cloud-init status --wait"), "status: done")
			assert.Equal(t, "ran at looking-glass", m.ask(t, "cat /var/lib/ran"))
			assert.Contains(t, m.ask(t, "hostname -I"), "10.0.2.15")
			assert.Equal(t, "3", m.ask(t, "df -BG / | awk 'NR == 2 {print int($2)}'"), "the root file system did not grow with the disk")
			assert.Empty(t, m.ask(t, "systemctl --failed --no-pager --plain --no-legend"))
			assert.Contains(t, dialAgent(t, agent).ask(t, "guest-get-host-name"), "looking-glass")

			m.tell(t, "system_powerdown")
			m.end(t)
		})
	}
}

const debianSeed = `#cloud-config
hostname: looking-glass
user: alice
password: rabbit
chpasswd: {expire: false}
runcmd:
- echo ran at $(hostname) >> /var/lib/ran
`
