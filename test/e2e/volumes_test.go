// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// volumesManifest is a machine with a volume of each kind.
const volumesManifest = `
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
data:
  app.conf: colour=blue
  Autounattend.xml: <answers/>
---
apiVersion: v1
kind: Secret
metadata:
  name: keys
stringData:
  password: pencil-2
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: base
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 64Mi}}
---
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata:
  name: all
spec:
  runStrategy: Always
  template:
    metadata:
      labels:
        tier: web
    spec:
      domain:
        memory:
          guest: 192Mi
        devices:
          rng: {}
          disks:
          - {name: root, disk: {bus: virtio}}
          - {name: config, disk: {bus: virtio}}
          - {name: secret, disk: {bus: virtio}}
          - {name: self, disk: {bus: virtio}}
          - {name: answers, disk: {bus: virtio}}
          - {name: ephemeral, disk: {bus: virtio}}
          - {name: host, disk: {bus: virtio}}
          - {name: scratch, disk: {bus: virtio}}
          - {name: seed, cdrom: {bus: sata}}
      volumes:
      - name: root
        containerDisk: {image: "IMAGE"}
      - name: config
        configMap: {name: settings}
      - name: secret
        secret: {secretName: keys, volumeLabel: OEMDRV}
      - name: self
        downwardAPI:
          fields:
          - {path: name, fieldRef: {fieldPath: metadata.name}}
          - {path: labels, fieldRef: {fieldPath: metadata.labels}}
      - name: answers
        sysprep: {configMap: {name: settings}}
      - name: ephemeral
        ephemeral: {persistentVolumeClaim: {claimName: base}}
      - name: host
        hostDisk: {path: "FOLDER/host.img", type: DiskOrCreate, capacity: 32Mi}
      - name: scratch
        emptyDisk: {capacity: 16Mi}
      - name: seed
        cloudInitNoCloud:
          userData: |
            #cloud-config
            password: pencil
            user: root
            chpasswd: {expire: false}
`

func TestMachineWithAVolumeOfEachKindReadsAndWritesThem(t *testing.T) {
	t.Parallel()
	p := suite.server.newSpace(t)
	image := "oci-archive:" + filepath.Join(suite.Folder, "linux.tar")
	p.apply(strings.NewReplacer("IMAGE", image, "FOLDER", suite.Folder).Replace(volumesManifest))
	p.awaitStatus("all", kubevirtv1.VirtualMachineStatusRunning)
	vmi := p.instance("all")
	device := map[string]string{}
	for _, volume := range vmi.Status.VolumeStatus {
		assert.Equal(t, kubevirtv1.VolumeReady, volume.Phase, volume.Name)
		device[volume.Name] = volume.Target
	}
	console := p.openConsole("all")
	console.login("root", "pencil")
	read := func(volume, file string) string {
		return console.run("mount -t iso9660 -o ro /dev/" + device[volume] + " /mnt; cat /mnt/" + file + "; umount /mnt")
	}
	label := func(volume string) string {
		return console.run("dd if=/dev/" + device[volume] + " bs=1 skip=32808 count=16 2>/dev/null | tr -d ' \\000'")
	}
	assert.Equal(t, "colour=blue", read("config", "app.conf"))
	assert.Equal(t, "pencil-2", read("secret", "password"))
	assert.Equal(t, "all", read("self", "name"))
	assert.Contains(t, read("self", "labels"), `tier="web"`)
	assert.Equal(t, "<answers/>", read("answers", "autounattend.xml"))
	assert.Equal(t, []string{"cfgdata", "OEMDRV", "unattendCD"}, []string{label("config"), label("secret"), label("answers")})

	for _, volume := range []string{"ephemeral", "host", "scratch"} {
		console.run("echo written | dd of=/dev/" + device[volume] + " conv=fsync 2>/dev/null")
	}
	claim := p.claim("base")
	content, err := os.ReadFile(filepath.Join(p.DataDir(), "volumes", string(claim.UID), "disk.img"))
	require.NoError(t, err)
	assert.NotContains(t, string(content), "written", "it is only read")
	content, err = os.ReadFile(filepath.Join(suite.Folder, "host.img"))
	require.NoError(t, err)
	assert.Len(t, content, 32<<20)
	assert.Equal(t, "written", string(content[:7]))
}

// claim reads a claim.
func (p *space) claim(name string) *corev1.PersistentVolumeClaim {
	p.t.Helper()
	claim, err := p.Core.CoreV1().PersistentVolumeClaims(p.name).Get(p.t.Context(), name, metav1.GetOptions{})
	require.NoError(p.t, err)
	return claim
}
