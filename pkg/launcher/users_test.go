// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/utils/ptr"
	"libvirt.org/go/libvirtxml"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// separateUsers has the launcher talk to root's libvirt, as Debian installs it. It returns where that keeps a
// directory for each domain.
func (b *bench) separateUsers(t *testing.T) (state string) {
	t.Helper()
	state = t.TempDir()
	require.NoError(t, os.Chmod(state, 0o750))
	b.options.SeparateUsers, b.host.libvirtState = true, state
	return state
}

// labels of a request's domain.
func (b *bench) labels(t *testing.T, request *api.StartRequest) []libvirtxml.DomainSecLabel {
	t.Helper()
	var built libvirtxml.Domain
	require.NoError(t, built.Unmarshal(b.hypervisor.domains[uuidOf(request.Instance)].xml))
	return built.SecLabel
}

func TestEachQEMUHasAUserOfItsOwn(t *testing.T) {
	b := newBench(t)
	b.separateUsers(t)
	b.users[userFor(testUID, 0)] = otherUID // somebody has it
	request := b.request(t)
	_, err := b.Start(t.Context(), request)
	require.NoError(t, err)
	second := userFor(testUID, 1)
	assert.Equal(t, []libvirtxml.DomainSecLabel{{
		Type: "static", Model: "dac", Relabel: "yes", Label: fmt.Sprintf("+%d:+%d", second, second),
	}}, b.labels(t, request))

	b.begin(t) // another launcher
	assert.Equal(t, testUID, b.users[second])
	require.NoError(t, b.Delete(testKey(), testUID))
	assert.NotContains(t, b.users, second)
}

func TestUsersOfDomainsPassThroughLibvirtsDirectory(t *testing.T) {
	b := newBench(t)
	state := b.separateUsers(t)
	_, err := b.Start(t.Context(), b.request(t))
	require.NoError(t, err)
	info, err := os.Stat(state)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o751), info.Mode().Perm())
}

func TestAClaimThatIsOnlyReadIsNotGivenToOne(t *testing.T) {
	b := newBench(t)
	b.separateUsers(t)
	request := b.request(t)
	request.Instance.Spec.Volumes[0].PersistentVolumeClaim.ReadOnly = ptr.To(true)
	request.Instance.Spec.Domain.Devices.Disks[0].Disk.Bus = ptr.To(kubevirtv1.DiskBusVirtio)
	_, err := b.Start(t.Context(), request)
	require.NoError(t, err)
	assert.Equal(t, "root", b.builtDisk(t, request).Source.File.FDGroup)
	assert.Equal(t, map[string]string{"root": request.Disks["root"].Path}, b.hypervisor.handed)
	require.NoError(t, b.Delete(testKey(), testUID))

	request = b.request(t)
	_, err = b.Start(t.Context(), request)
	require.NoError(t, err)
	assert.Empty(t, b.builtDisk(t, request).Source.File.FDGroup, "it has that alone")
	assert.Empty(t, b.hypervisor.handed)
}

func TestAFileThatGuestsShareIsNotGivenToOne(t *testing.T) {
	b := newBench(t)
	b.separateUsers(t)
	request := b.request(t)
	request.Instance.Spec.Domain.Devices.Disks[0].Shareable = ptr.To(true)
	_, err := b.Start(t.Context(), request)
	require.NoError(t, err)
	assert.Equal(t, "root", b.builtDisk(t, request).Source.File.FDGroup)
	assert.Equal(t, map[string]string{"root": request.Disks["root"].Path}, b.hypervisor.handed)
}

func TestAModuleIsReachedThroughAGroup(t *testing.T) {
	b := newBench(t)
	b.separateUsers(t)
	b.host.find = func(program string) (string, error) { return program, nil }
	b.host.group = func(name string) (uint32, error) { return 106, nil }
	request := b.request(t)
	request.Instance.Spec.Domain.Devices.TPM = &kubevirtv1.TPMDevice{}
	_, err := b.Start(t.Context(), request)
	require.NoError(t, err)
	assert.Equal(t, fmt.Sprintf("+%d:+106", userFor(testUID, 0)), b.labels(t, request)[0].Label)
}

func TestUsersAreOfARangeThatIsNobodyElses(t *testing.T) {
	for try := range 100 {
		user := userFor(testUID, try)
		assert.GreaterOrEqual(t, user, uint32(firstUser))
		assert.LessOrEqual(t, user, uint32(1<<31-1), "some programs take numbers above for negative ones")
	}
	assert.NotEqual(t, userFor(testUID, 0), userFor(otherUID, 0))
}

func TestALibvirtThatIsNoRootsChoosesTheUser(t *testing.T) {
	b := newBench(t)
	request := b.request(t)
	containerDisk(request)
	_, err := b.Start(t.Context(), request)
	require.NoError(t, err)
	assert.Empty(t, b.labels(t, request))
	assert.Empty(t, b.builtDisk(t, request).BackingStore.Source.File.SecLabel, "it knows no such model")
}

func TestWhatManyHaveIsNotGivenToOne(t *testing.T) {
	b := newBench(t)
	b.separateUsers(t)
	request := b.request(t)
	containerDisk(request)
	_, err := b.Start(t.Context(), request)
	require.NoError(t, err)
	base := b.builtDisk(t, request).BackingStore.Source.File
	assert.Equal(t, []libvirtxml.DomainDeviceSecLabel{{Model: "dac", Relabel: "no"}}, base.SecLabel)
	assert.Equal(t, "root.base", base.FDGroup)
}
