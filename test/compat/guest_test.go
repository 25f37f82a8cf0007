// SPDX-License-Identifier: Apache-2.0

package compat

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/test/harness"
)

// linuxManifest is of a machine whose user, tester, has a password and a key, and which sends datagrams back.
const linuxManifest = `
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata:
  name: web
spec:
  runStrategy: Always
  dataVolumeTemplates:
  - metadata: {name: web-root}
    spec:
      source: {http: {url: IMAGE}}
      storage: {resources: {requests: {storage: 1Gi}}}
  template:
    spec:
      domain:
        memory: {guest: 192Mi}
        devices:
          rng: {}
          interfaces:
          - name: default
            masquerade: {}
          disks:
          - name: root
            disk: {bus: virtio}
          - name: seed
            disk: {bus: virtio}
      networks:
      - name: default
        pod: {}
      volumes:
      - name: root
        dataVolume: {name: web-root}
      - name: seed
        cloudInitNoCloud:
          userData: |
            #cloud-config
            hostname: shop
            user: tester
            password: secret
            chpasswd: {expire: false}
            ssh_authorized_keys: ["KEY"]
            runcmd:
            - 'while true; do nc.traditional -n -u -l -p 7007 -e /bin/cat; done >/dev/null 2>&1 &'
`

func startLinux(t *testing.T, m *machine) {
	t.Helper()
	output, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "tester", "-f", m.keyFile()).CombinedOutput()
	require.NoError(t, err, "%s", output)
	m.apply(t, strings.NewReplacer("IMAGE", suite.Images.URL(harness.LinuxImage), "KEY", m.publicKey(t)).Replace(linuxManifest))
	m.awaitSaid(t, m.awaitRunning(t, nil), "virt-guest ready shop", 1)
}

// keyFile is where the user's private key is.
func (m *machine) keyFile() string { return filepath.Join(m.dir, "key") }

func (m *machine) publicKey(t require.TestingT) string {
	key, err := os.ReadFile(m.keyFile() + ".pub")
	require.NoError(t, err)
	return strings.TrimSpace(string(key))
}

func guestCommands() []command {
	return []command{
		{"console", works, "", checkConsole},
		{"vnc", works, "", checkVNC},
		{"vnc --proxy-only", works, "", checkVNCProxy},
		{"vnc screenshot", works, "", checkScreenshot},
		{"port-forward", works, "", checkPortForward},
		{"port-forward udp/", works, "", checkPortForwardUDP},
		{"ssh", works, "", checkSSH},
		{"scp", works, "", checkSCP},
		{"guestosinfo", works, "", checkGuestOSInfo},
		{"userlist", works, "", checkUserList},
		{"fslist", works, "", checkFSList},
		{"addvolume", works, "", checkAddVolume},
		{"removevolume", works, "", checkRemoveVolume},
		{"addvolume --persist", works, "", checkAddVolumeForGood},
		{"removevolume --persist", works, "", checkRemoveVolumeForGood},
		{"expand --vm", works, "", checkExpandMachine},
		{"memory-dump", notYet, "", checkMemoryDump},
		{"usbredir", notYet, "", checkUSBRedirection},
		{"vmexport", notYet, "", checkExport},
		{"objectgraph", notYet, "", checkObjectGraph},
		{"expose", notYet, "", checkExpose},
		{"migrate", notYet, "comes with clusters", checkMigrate},
		{"migrate-cancel", notYet, "comes with clusters", checkMigrateCancel},
		{"evacuate-cancel", notYet, "comes with clusters", checkEvacuateCancel},
		{"soft-reboot", works, "", checkSoftReboot},
	}
}

func checkConsole(c *check) {
	terminal, leave := c.onTerminal("console", "web")
	terminal.Expect("Successfully connected to web console", "")
	terminal.Login("tester", "secret")
	assert.Equal(c, "shop", terminal.Run("hostname"))
	terminal.Send("exit\r")
	terminal.Expect("login: $", "")
	leave()
	c.refused([]string{"console", "nobody"}, `"nobody" not found`)
}

func checkGuestOSInfo(c *check) {
	c.awaitAgent()
	var info struct {
		GuestAgentVersion string
		Hostname          string
		OS                struct{ ID, KernelRelease string }
	}
	c.decode(c.virtctl([]string{"guestosinfo", "web"}), &info)
	assert.Equal(c, "shop", info.Hostname)
	assert.NotEmpty(c, info.GuestAgentVersion)
	assert.NotEmpty(c, info.OS.KernelRelease)
	c.refused([]string{"guestosinfo", "nobody"}, "Error getting guestosinfo of VirtualMachineInstance nobody")
}

func checkUserList(c *check) {
	c.awaitAgent()
	var users struct {
		Items []struct{ UserName string }
	}
	c.decode(c.virtctl([]string{"userlist", "web"}), &users)
	assert.NotNil(c, users.Items)
	c.refused([]string{"userlist", "nobody"}, "nobody")
}

func checkFSList(c *check) {
	c.awaitAgent()
	var systems struct {
		Items []struct {
			MountPoint, FileSystemType string
			TotalBytes                 int64
		}
	}
	c.decode(c.virtctl([]string{"fslist", "web"}), &systems)
	require.NotEmpty(c, systems.Items)
	assert.Equal(c, "/", systems.Items[0].MountPoint)
	assert.Positive(c, systems.Items[0].TotalBytes)
}

func checkExpandMachine(c *check) {
	var vm struct {
		Kind string
		Spec struct {
			Template struct {
				Spec struct {
					Domain struct{ Memory struct{ Guest string } }
				}
			}
		}
	}
	c.decode(c.virtctl([]string{"expand", "--vm", "web", "-o", "json"}), &vm)
	assert.Equal(c, "192Mi", vm.Spec.Template.Spec.Domain.Memory.Guest)
	c.refused([]string{"expand", "--vm", "nobody"}, "error expanding VirtualMachine - nobody")
}

func checkSoftReboot(c *check) {
	instance := c.awaitRunning(c, nil)
	c.virtctl([]string{"soft-reboot", "web"}, "VMI web was scheduled to soft-reboot")
	c.awaitSaid(c, instance, "virt-guest ready shop", 2)
	assert.Equal(c, instance.UID, c.awaitRunning(c, nil).UID, "it is the same instance")
}
