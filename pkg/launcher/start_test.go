// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/domain"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/seed"
)

func TestManyStartsOfOneInstanceStartOneDomain(t *testing.T) {
	b := newBench(t)
	request := b.request(t)
	var starts sync.WaitGroup
	for range 8 {
		starts.Go(func() {
			status, err := b.Start(t.Context(), request)
			assert.NoError(t, err)
			assert.Equal(t, api.StateRunning, status.State)
		})
	}
	starts.Wait()
	assert.Equal(t, 1, b.hypervisor.count(ActionStart))
}

func TestStartGoesOnWhereACrashStoppedIt(t *testing.T) {
	for name, crash := range map[string]func(b *bench, uuid string){
		"only the record":  func(b *bench, uuid string) { delete(b.hypervisor.domains, uuid) },
		"defined":          func(b *bench, uuid string) { b.hypervisor.set(uuid, PowerOff) },
		"start had failed": func(b *bench, uuid string) { b.hypervisor.set(uuid, PowerNotStarted) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			uuid := b.start(t)
			b.forgetStart(t)
			crash(b, uuid)
			b.begin(t)
			assert.Equal(t, api.StateStarting, b.status(t).State)
			status, err := b.Start(t.Context(), b.request(t))
			require.NoError(t, err)
			assert.Equal(t, api.StateRunning, status.State)
		})
	}
	t.Run("running, not noted", func(t *testing.T) {
		b := newBench(t)
		b.start(t)
		b.forgetStart(t)
		b.begin(t)
		assert.Equal(t, api.StateRunning, b.status(t).State)
		_, err := b.Start(t.Context(), b.request(t))
		require.NoError(t, err)
		assert.Equal(t, 1, b.hypervisor.count(ActionStart))
	})
}

func TestAHalfStartOfAnotherLibvirtIsNoStart(t *testing.T) {
	b := newBench(t)
	uuid := b.start(t)
	b.forgetStart(t)
	b.hypervisor.set(uuid, PowerBeginning)
	b.begin(t)
	_, err := b.Start(t.Context(), b.request(t))
	assert.Equal(t, api.ErrorUnsettled, api.ReasonFor(err), "what may fail yet is no success")
	b.hypervisor.set(uuid, PowerDied)
	status, err := b.Start(t.Context(), b.request(t))
	require.NoError(t, err)
	assert.Equal(t, api.StateRunning, status.State)
}

// forgetStart makes the record what it was before the domain was seen to run.
func (b *bench) forgetStart(t *testing.T) {
	t.Helper()
	g, err := b.acquire(testKey())
	require.NoError(t, err)
	defer g.mu.Unlock()
	record := g.record
	record.StartedAt = time.Time{}
	require.NoError(t, b.state.Save(&record))
}

func TestStartThatFailedLeavesNothing(t *testing.T) {
	for name, test := range map[string]struct {
		fail map[Action]error
		want string
	}{
		"refused definition": {map[Action]error{"define": fmt.Errorf("%w: no such CPU", ErrUnsupported)}, api.ErrorInvalid},
		"refused start":      {map[Action]error{ActionStart: errors.New("qemu says no")}, api.ErrorStartFailed},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.hypervisor.fail = test.fail
			_, err := b.Start(t.Context(), b.request(t))
			assert.Equal(t, test.want, api.ReasonFor(err))
			b.assertEmpty(t)
			b.hypervisor.fail = nil
			b.start(t)
		})
	}
}

func (b *bench) assertEmpty(t *testing.T) {
	t.Helper()
	list, err := b.List()
	require.NoError(t, err)
	assert.Empty(t, list)
	assert.Empty(t, b.hypervisor.domains)
	entries, err := os.ReadDir(filepath.Join(b.dir, "state", "domains"))
	require.NoError(t, err)
	assert.Empty(t, entries)
}

func TestStartWhileLibvirtGoesAwayKeepsWhatItHas(t *testing.T) {
	b := newBench(t)
	b.hypervisor.fail[ActionStart] = ErrUnavailable
	_, err := b.Start(t.Context(), b.request(t))
	assert.Equal(t, api.ErrorLibvirtUnavailable, api.ReasonFor(err))
	assert.Len(t, b.hypervisor.domains, 1)
	delete(b.hypervisor.fail, ActionStart)
	b.Connected()
	assert.Equal(t, api.StateStarting, b.status(t).State)
	b.start(t)
}

func TestEarlierInstanceMustBeDeletedFirst(t *testing.T) {
	b := newBench(t)
	b.start(t)
	next := b.request(t)
	next.Instance.UID = otherUID
	_, err := b.Start(t.Context(), next)
	assert.Equal(t, api.ErrorConflict, api.ReasonFor(err))
	require.ErrorContains(t, err, "delete it first")
	require.NoError(t, b.Delete(testKey(), otherUID), "there is none to delete")
	assert.Equal(t, testUID, b.status(t).UID)
	require.NoError(t, b.Delete(testKey(), testUID))
	_, err = b.Start(t.Context(), next)
	require.NoError(t, err)
}

func TestClashLeavesTheOtherDomainAlone(t *testing.T) {
	for name, identity := range map[string]domain.Identity{
		"other launcher": {Owner: "other", UID: testUID},
		"other instance": {Owner: owner, UID: otherUID},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			request := b.request(t)
			b.hypervisor.domains[uuidOf(request.Instance)] = &fakeDomain{name: "foreign", identity: identity, power: PowerRunning}
			_, err := b.Start(t.Context(), request)
			assert.Equal(t, api.ErrorConflict, api.ReasonFor(err))
			assert.Empty(t, b.hypervisor.actions)
		})
	}
}

func TestThereAreOnlySoManyDomains(t *testing.T) {
	b := newBench(t)
	for i := range 4 {
		request := b.request(t)
		request.Instance.Name = fmt.Sprintf("web-%d", i)
		request.Instance.UID = testUID[:35] + types.UID(fmt.Sprint(i))
		request.Instance.Spec.Domain.Firmware.UUID = ptr.To(request.Instance.UID)
		_, err := b.Start(t.Context(), request)
		if i < 3 {
			require.NoError(t, err)
			continue
		}
		assert.Equal(t, api.ErrorLimit, api.ReasonFor(err))
	}
}

func TestPathsThatLeadOutAreRefused(t *testing.T) {
	b := newBench(t)
	volumes := filepath.Join(b.dir, "volumes")
	outside := filepath.Join(b.dir, "outside.img")
	require.NoError(t, os.WriteFile(outside, nil, 0o600))
	require.NoError(t, os.Symlink(outside, filepath.Join(volumes, "link.img")))
	require.NoError(t, os.Symlink(b.dir, filepath.Join(volumes, "linked")))
	require.NoError(t, os.Mkdir(filepath.Join(volumes, "directory"), 0o755))
	for name, path := range map[string]string{
		"relative":            "disk.img",
		"elsewhere":           "/etc/passwd",
		"parent":              volumes + "/../outside.img",
		"sibling of the root": volumes + "2/disk.img",
		"link":                volumes + "/link.img",
		"linked directory":    volumes + "/linked/outside.img",
		"directory":           volumes + "/directory",
		"missing":             volumes + "/missing.img",
		"root itself":         volumes,
		"device":              "/dev/zero",
		"NUL":                 volumes + "/a\x00b",
		"newline":             volumes + "/a\nb",
	} {
		t.Run(name, func(t *testing.T) {
			request := b.request(t)
			request.Disks["root"] = api.DiskSource{Path: path}
			_, err := b.Start(t.Context(), request)
			assert.Equal(t, api.ErrorInvalid, api.ReasonFor(err))
			assert.ErrorContains(t, err, "spec.volumes[0] (root)")
			b.assertEmpty(t)
		})
	}
}

func TestVolumesThatCannotBeAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		change func(request *api.StartRequest)
		want   string
	}{
		"no path": {func(r *api.StartRequest) { r.Disks = nil }, "no disk was given"},
		"no source": {func(r *api.StartRequest) { r.Instance.Spec.Volumes[0].VolumeSource = kubevirtv1.VolumeSource{} },
			"no source that the launcher knows"},
		"same file twice": {func(r *api.StartRequest) {
			r.Instance.Spec.Volumes = append(r.Instance.Spec.Volumes, r.Instance.Spec.Volumes[0])
			r.Instance.Spec.Volumes[1].Name = "again"
			r.Disks["again"] = r.Disks["root"]
		}, "has the same file as volume root"},
		"negative empty disk": {emptyDisk("-1Gi"), "is not between 1Mi and 64Ti"},
		"tiny empty disk":     {emptyDisk("1k"), "is not between 1Mi and 64Ti"},
		"huge empty disk":     {emptyDisk("1Ei"), "is not between 1Mi and 64Ti"},
		"huge seed": {func(r *api.StartRequest) {
			r.Instance.Spec.Volumes[0].VolumeSource = kubevirtv1.VolumeSource{CloudInitNoCloud: &kubevirtv1.CloudInitSource{}}
			r.Seeds = map[string]api.Seed{"root": {UserData: make([]byte, seed.MaxBytes+1)}}
		}, "user data: 1048577 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			request := b.request(t)
			test.change(request)
			_, err := b.Start(t.Context(), request)
			assert.Equal(t, api.ErrorInvalid, api.ReasonFor(err), "%v", err)
			require.ErrorContains(t, err, test.want)
			b.assertEmpty(t)
		})
	}
}

func emptyDisk(capacity string) func(*api.StartRequest) {
	return func(r *api.StartRequest) {
		r.Instance.Spec.Volumes[0].VolumeSource = kubevirtv1.VolumeSource{
			EmptyDisk: &kubevirtv1.EmptyDiskSource{Capacity: verbatim.MustParse(capacity)},
		}
	}
}

func TestEveryKindOfVolumeGetsAFile(t *testing.T) {
	b := newBench(t)
	request := b.request(t)
	request.Instance.Spec.Volumes = append(request.Instance.Spec.Volumes,
		kubevirtv1.Volume{Name: "scratch", VolumeSource: kubevirtv1.VolumeSource{
			EmptyDisk: &kubevirtv1.EmptyDiskSource{Capacity: verbatim.MustParse("1500Ki")}}},
		kubevirtv1.Volume{Name: "init", VolumeSource: kubevirtv1.VolumeSource{CloudInitNoCloud: &kubevirtv1.CloudInitSource{}}},
		kubevirtv1.Volume{Name: "drive", VolumeSource: kubevirtv1.VolumeSource{CloudInitConfigDrive: &kubevirtv1.CloudInitSource{}}},
	)
	kubevirtv1.SetDefaultsVirtualMachineInstanceSpec(&request.Instance.Spec)
	request.Seeds = map[string]api.Seed{"init": {UserData: []byte("#cloud-config")}}
	status, err := b.Start(t.Context(), request)
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"root": "sda", "scratch": "sdb", "init": "sdc", "drive": "sdd"}, status.Targets)
	dir := filepath.Join(b.dir, "state", "domains", string(testUID))
	info, err := os.Stat(filepath.Join(dir, "scratch.img"))
	require.NoError(t, err)
	assert.Equal(t, int64(1<<20), info.Size(), "rounded down to whole MiB")
	assert.FileExists(t, filepath.Join(dir, "init.iso"))
	assert.FileExists(t, filepath.Join(dir, "drive.iso"))
	xml := b.hypervisor.domains[uuidOf(request.Instance)].xml
	for _, file := range []string{"scratch.img", "init.iso", "drive.iso"} {
		assert.Contains(t, xml, filepath.Join(dir, file))
	}
}

// TestASeedHasAllThatIsGiven looks for each field of a seed in the image that the guest reads.
func TestASeedHasAllThatIsGiven(t *testing.T) {
	given := api.Seed{UserData: []byte("#the-user-data"), NetworkData: []byte("#the-network-data"), PublicKeys: []string{"ssh-ed25519 THE-KEY"}}
	value := reflect.ValueOf(given)
	for i := range value.NumField() {
		require.False(t, value.Field(i).IsZero(), "a new field, %s, needs a value here", value.Type().Field(i).Name)
	}
	b := newBench(t)
	request := b.request(t)
	request.Instance.Spec.Volumes = append(request.Instance.Spec.Volumes,
		kubevirtv1.Volume{Name: "init", VolumeSource: kubevirtv1.VolumeSource{CloudInitNoCloud: &kubevirtv1.CloudInitSource{}}},
		kubevirtv1.Volume{Name: "drive", VolumeSource: kubevirtv1.VolumeSource{CloudInitConfigDrive: &kubevirtv1.CloudInitSource{}}},
	)
	kubevirtv1.SetDefaultsVirtualMachineInstanceSpec(&request.Instance.Spec)
	request.Seeds = map[string]api.Seed{"init": given, "drive": given}
	_, err := b.Start(t.Context(), request)
	require.NoError(t, err)
	for _, volume := range []string{"init", "drive"} {
		image, err := os.ReadFile(filepath.Join(b.dir, "state", "domains", string(testUID), volume+".iso"))
		require.NoError(t, err)
		for _, text := range []string{"#the-user-data", "#the-network-data", "ssh-ed25519 THE-KEY"} {
			assert.True(t, bytes.Contains(image, []byte(text)), "%s: %s", volume, text)
		}
	}
}

func TestADisksBlocksAreThoseOfItsFileSystem(t *testing.T) {
	b := newBench(t)
	request := b.request(t)
	disk := &request.Instance.Spec.Domain.Devices.Disks[0]
	disk.Disk.Bus, disk.BlockSize = ptr.To(kubevirtv1.DiskBusVirtio), &kubevirtv1.BlockSize{MatchVolume: &kubevirtv1.FeatureState{}}
	_, err := b.Start(t.Context(), request)
	require.NoError(t, err)
	info, err := os.Stat(request.Disks["root"].Path)
	require.NoError(t, err)
	size := info.Sys().(*syscall.Stat_t).Blksize
	assert.Contains(t, b.hypervisor.domains[uuidOf(request.Instance)].xml, fmt.Sprintf(`<blockio logical_block_size="%d" physical_block_size="%d">`, size, size))
}

func TestClosedDirectoryIsFound(t *testing.T) {
	dir := runtimeDir(t) // mode 0700
	assert.Equal(t, dir, closedDirectory(filepath.Join(dir)))
	require.NoError(t, os.Chmod(dir, 0o711))
	assert.Empty(t, closedDirectory(dir))
}

func FuzzStartRequest(f *testing.F) {
	f.Add([]byte(`{"instance":{"metadata":{"namespace":"a","name":"b","uid":"` + string(testUID) + `"},"spec":{"domain":{"devices":{}}}}}`))
	f.Add([]byte(`{"instance":{"metadata":{"namespace":"a","name":"b","uid":"` + string(testUID) + `"},
		"spec":{"domain":{"cpu":{"cores":1,"sockets":1,"threads":1},"memory":{"guest":"1Gi"},"machine":{"type":"q35"},
		"firmware":{"uuid":"` + string(testUID) + `","serial":"x"},"devices":{"disks":[{"name":"a","serial":"s"}],"interfaces":[{"name":"n","macAddress":"02:00:00:00:00:01"}]}}}}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var request api.StartRequest
		if json.Unmarshal(raw, &request) != nil || request.Instance == nil {
			return
		}
		files := map[string]domain.File{}
		for _, disk := range request.Instance.Spec.Domain.Devices.Disks {
			files[disk.Name] = domain.File{Path: "/f"}
		}
		built, err := domain.Build(domain.Input{Instance: request.Instance, Owner: owner, Files: files})
		if err != nil {
			return
		}
		text, err := built.Marshal()
		require.NoError(t, err)
		_, err = domain.ParseFacts(text)
		require.NoError(t, err)
	})
}
