// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/launchertest"
)

// onSharedBase is an instance with a disk on top of base, and one of the host.
func (n *node) onSharedBase(t *testing.T, name, base string) *api.StartRequest {
	t.Helper()
	request := n.newInstance(t, name)
	spec := &request.Instance.Spec
	spec.Volumes[0].VolumeSource = kubevirtv1.VolumeSource{ContainerDisk: &kubevirtv1.ContainerDiskSource{Image: "a"}}
	spec.Volumes = append(spec.Volumes, kubevirtv1.Volume{Name: "host", VolumeSource: kubevirtv1.VolumeSource{HostDisk: &kubevirtv1.HostDisk{
		Path: filepath.Join(n.dir, "host", name+".img"), Type: kubevirtv1.HostDiskExistsOrCreate, Capacity: ptr.To(verbatim.MustParse("1Mi")),
	}}})
	spec.Volumes = append(spec.Volumes, kubevirtv1.Volume{Name: "read", VolumeSource: kubevirtv1.VolumeSource{
		PersistentVolumeClaim: &kubevirtv1.PersistentVolumeClaimVolumeSource{ClaimName: "read", ReadOnly: ptr.To(true)},
	}})
	disk := kubevirtv1.Disk{Name: "read"}
	disk.Disk = &kubevirtv1.DiskTarget{Bus: ptr.To(kubevirtv1.DiskBusSCSI)}
	spec.Domain.Devices.Disks = append(spec.Domain.Devices.Disks, disk)
	kubevirtv1.SetDefaultsVirtualMachineInstanceSpec(spec)
	request.Disks = map[string]api.DiskSource{"root": {Path: base, ReadOnly: true}, "read": {Path: n.sharedClaim(), ReadOnly: true}}
	return request
}

// sharedClaim is one that all read.
func (n *node) sharedClaim() string { return filepath.Join(n.dir, "volumes", "read.img") }

// credential is what the QEMU of an instance runs with.
func credential(t *testing.T, request *api.StartRequest) *syscall.Credential {
	t.Helper()
	pids := launchertest.GuestPIDs(t, uuidOf(request))
	require.Len(t, pids, 1)
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pids[0]))
	require.NoError(t, err)
	number := func(field string) uint32 {
		found := regexp.MustCompile(`(?m)^` + field + `:\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)$`).FindSubmatch(status)
		require.NotNil(t, found, "%s", status)
		value, err := strconv.ParseUint(string(found[2]), 10, 32)
		require.NoError(t, err)
		return uint32(value)
	}
	c := &syscall.Credential{Uid: number("Uid"), Gid: number("Gid")}
	for _, group := range regexp.MustCompile(`\d+`).FindAll(regexp.MustCompile(`(?m)^Groups:.*$`).Find(status), -1) {
		value, err := strconv.ParseUint(string(group), 10, 32)
		require.NoError(t, err)
		c.Groups = append(c.Groups, uint32(value))
	}
	return c
}

// can says whether such a process may open the file to read or write it.
func can(c *syscall.Credential, test, path string) bool {
	cmd := exec.Command("test", test, path)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c}
	return cmd.Run() == nil
}

func TestAQEMUCanOpenWhatIsItsDomainsAlone(t *testing.T) {
	n := newNode(t)
	require.NoError(t, os.Mkdir(filepath.Join(n.dir, "host"), 0o711))
	n.killLauncher()
	n.run(t, exec.Command(os.Args[0], n.args("--libvirt-uri", n.libvirt.URI(), "--host-disk-root", filepath.Join(n.dir, "host"))...))
	base := filepath.Join(n.dir, "volumes", "base.img")
	require.NoError(t, os.WriteFile(base, launchertest.GuestImage(), 0o400))
	require.NoError(t, os.WriteFile(n.sharedClaim(), make([]byte, 1<<20), 0o600))
	before, err := os.Stat(base)
	require.NoError(t, err)

	var requests []*api.StartRequest
	for _, name := range []string{"one", "two"} {
		request := n.onSharedBase(t, name, base)
		_, err := n.Start(t.Context(), request)
		require.NoError(t, err)
		n.awaitLog(t, request, launchertest.GuestReady)
		requests = append(requests, request)
	}
	one, two := credential(t, requests[0]), credential(t, requests[1])
	assert.GreaterOrEqual(t, one.Uid, uint32(0x70000000))
	assert.NotEqual(t, one.Uid, two.Uid)
	for i, request := range requests {
		own, other := []*syscall.Credential{one, two}[i], []*syscall.Credential{two, one}[i]
		files := filepath.Join(n.dir, "state", "domains", string(request.Instance.UID))
		assert.True(t, can(own, "-w", files+"/root.qcow2"))
		assert.False(t, can(other, "-r", files+"/root.qcow2"))
		assert.False(t, can(own, "-w", files+"/root.base"), "others boot it")
		assert.False(t, can(own, "-w", n.sharedClaim()), "others read it")
		assert.False(t, can(other, "-r", filepath.Join(n.dir, "host", request.Instance.Name+".img")))
	}
	for _, request := range requests {
		n.shutdown(t, request, 60)
		n.await(t, request, api.StateSucceeded, api.StateFailed)
		require.NoError(t, n.Delete(t.Context(), "test", request.Instance.Name, request.Instance.UID))
	}
	after, err := os.Stat(base)
	require.NoError(t, err)
	assert.Equal(t, before.Mode(), after.Mode())
	assert.Equal(t, before.Sys().(*syscall.Stat_t).Uid, after.Sys().(*syscall.Stat_t).Uid)
}
