// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

const (
	small       = "guest-image.sh"
	smallSize   = "512M"
	smallMemory = "256M"
)

const alice = `#cloud-config
hostname: wonderland
user: alice
password: rabbit
chpasswd: {expire: false}
write_files:
- path: /etc/motd
  content: |
    curiouser
    and curiouser
runcmd:
- echo ran at $(hostname) >> /var/lib/ran
- [sh, -c, 'ip -4 -o addr show eth0 > /var/lib/address']
`

func TestSmallGuestBootsFromEveryBusAndFirmware(t *testing.T) {
	for _, test := range []struct {
		name     string
		firmware firmware
		disk     func(string) []string
		seed     func(string) []string
		memory   string
	}{
		{"BIOS and virtio", bios, onVirtio, onVirtio, smallMemory},
		{"BIOS and SATA", bios, onSATA, asSATACDROM, smallMemory},
		{"BIOS and SCSI", bios, onSCSI, onSCSI, smallMemory},
		{"UEFI and virtio", uefi, onVirtio, onVirtio, smallMemory},
		{"UEFI and SATA", uefi, onSATA, asSATACDROM, smallMemory},
		{"Secure Boot and virtio", secureBoot, onVirtio, onVirtio, "512M"}, // the firmware takes its share
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := start(t, test.memory, join(
				test.firmware(t), disk(t, small, smallSize), test.disk("disk"),
				noCloud(t, "meta", alice), test.seed("seed"), network(""))...)

			m.await(t, bootTime, `virt-guest ready wonderland`)
			m.logIn(t, "wonderland", "alice", "rabbit")
			assert.Equal(t, "ran at wonderland", m.ask(t, "cat /var/lib/ran"))
			assert.Contains(t, m.ask(t, "cat /var/lib/address"), "10.0.2.15/24")
			assert.Contains(t, m.ask(t, "ip route"), "default via 10.0.2.2")
			assert.Equal(t, "curiouser\nand curiouser", m.ask(t, "cat /etc/motd"))

			m.tell(t, "system_powerdown")
			m.await(t, replies, `virt-guest stopped wonderland`)
			m.end(t)
		})
	}
}

func TestSmallGuestKeepsWhatIsOnItsDisk(t *testing.T) {
	t.Parallel()
	m := start(t, smallMemory, join(
		bios(t), disk(t, small, smallSize), onVirtio("disk"),
		noCloud(t, "meta", alice), onVirtio("seed"), network(""))...)
	m.logIn(t, "wonderland", "alice", "rabbit")
	m.ask(t, "echo drink me > bottle")
	hostKey := m.ask(t, "sudo sha256sum /etc/dropbear/dropbear_ed25519_host_key")
	assert.Contains(t, m.ask(t, "df -m / | tail -n 1"), "/dev/vda2")
	assert.Greater(t, m.ask(t, "df -m / | awk 'NR == 2 {print $2}'"), "440", "the root file system did not grow with the disk")

	m.say(t, "sudo reboot")
	m.await(t, bootTime, `virt-guest stopped`)
	m.await(t, bootTime, `virt-guest ready wonderland`)
	m.logIn(t, "wonderland", "alice", "rabbit")
	assert.Equal(t, "drink me", m.ask(t, "cat bottle"))
	assert.Equal(t, "ran at wonderland", m.ask(t, "cat /var/lib/ran"), "runcmd ran again")
	assert.Equal(t, hostKey, m.ask(t, "sudo sha256sum /etc/dropbear/dropbear_ed25519_host_key"))

	m.say(t, "sudo poweroff")
	m.end(t)
}

func TestSmallGuestWithoutSeedAdmitsGuestButNotRoot(t *testing.T) {
	t.Parallel()
	m := start(t, "128M", join(bios(t), disk(t, small, smallSize), onVirtio("disk"))...)
	m.await(t, bootTime, `guest login: `)
	m.say(t, "root")
	m.await(t, replies, `(?m)^Login incorrect`)
	m.logIn(t, "guest", "guest", "guest")
	assert.Equal(t, "0", m.ask(t, "sudo id -u"))
	assert.Empty(t, m.ask(t, "touch here && rm here"), "the home is not the user's own")
}

func TestSmallGuestHeedsConfigDrive(t *testing.T) {
	t.Parallel()
	drive := seed(t, "fat", "CONFIG-2", map[string]string{
		"openstack/latest/meta_data.json": `{"uuid": "c9a7", "hostname": "drive.example"}`,
		"openstack/latest/user_data":      "#cloud-config\nuser: root\npassword: toor\n",
	})
	m := start(t, smallMemory, join(
		bios(t), disk(t, small, smallSize), onVirtio("disk"), drive, onVirtio("seed"))...)
	m.await(t, bootTime, `drive login: `)
	m.say(t, "root")
	m.await(t, replies, `Password: `)
	m.say(t, "toor")
	m.await(t, replies, `root@drive:~# `)
	assert.Equal(t, "0", m.ask(t, "id -u"))
}

func TestSmallGuestPanicIsSeenByTheMachine(t *testing.T) {
	t.Parallel()
	m := start(t, smallMemory, join(bios(t), disk(t, small, smallSize), onVirtio("disk"))...)
	m.logIn(t, "guest", "guest", "guest")
	m.say(t, "sudo sh -c 'echo c > /proc/sysrq-trigger'")
	m.event(t, "GUEST_PANICKED")
}
