// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"libvirt.org/go/libvirtxml"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/domain"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/guestagent"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/statedir"
)

const (
	testUID  = types.UID("0f3b1d5c-7a52-4c1e-9a53-6f0d2f8f7c11")
	otherUID = types.UID("0f3b1d5c-7a52-4c1e-9a53-6f0d2f8f7c12")
	owner    = "laptop"
)

func testKey() types.NamespacedName { return types.NamespacedName{Namespace: "shop", Name: "web-1"} }

func testTarget() api.Target { return api.Target{Namespace: "shop", Name: "web-1"} }

// fakeHypervisor has domains that do what the test says.
type fakeHypervisor struct {
	mu      sync.Mutex
	up      bool
	domains map[string]*fakeDomain
	actions []Action
	// forgotten are the UUIDs whose modules' state was removed.
	forgotten []string
	// fail makes an action fail.
	fail map[Action]error
	// stubborn: no guest gives a device up.
	stubborn bool
	// handed are the files of the last start, by name.
	handed map[string]string
	// screen is what OpenScreen connects to.
	screen net.Conn
	// picture is what a screenshot is made of.
	picture string
	// probe is the answer to ProbeKVM; probed counts its calls.
	probe  func() (string, error)
	probed int
	// agent is what listens where the guest's agent does; nil where nothing does.
	agent guestagent.Executor
}

type fakeDomain struct {
	name, xml string
	identity  domain.Identity
	power     Power
}

func newFakeHypervisor() *fakeHypervisor {
	return &fakeHypervisor{up: true, domains: map[string]*fakeDomain{}, fail: map[Action]error{}}
}

func (f *fakeHypervisor) Connection() Connection {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.up {
		return Connection{Message: "libvirt is down; start it"}
	}
	return Connection{Up: true, Version: "9.0.0"}
}

func (f *fakeHypervisor) List() ([]Domain, error) {
	return f.collect(func(_ string, d *fakeDomain) bool { return d.identity.Owner == owner })
}

func (f *fakeHypervisor) Find(name, uuid string) ([]Domain, error) {
	return f.collect(func(id string, d *fakeDomain) bool { return d.name == name || id == uuid })
}

func (f *fakeHypervisor) collect(want func(uuid string, d *fakeDomain) bool) ([]Domain, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.up {
		return nil, ErrUnavailable
	}
	var list []Domain
	for uuid, d := range f.domains {
		if want(uuid, d) {
			list = append(list, Domain{UUID: uuid, Name: d.name, Identity: &d.identity})
		}
	}
	return list, nil
}

func (f *fakeHypervisor) find(ref Ref) (*fakeDomain, error) {
	if !f.up {
		return nil, ErrUnavailable
	}
	d := f.domains[ref.UUID]
	if d == nil || d.identity.Owner != owner || d.identity.UID != ref.UID {
		return nil, ErrNoDomain
	}
	return d, nil
}

func (f *fakeHypervisor) Power(ref Ref) (Power, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d, err := f.find(ref)
	switch err {
	case nil:
		return d.power, nil
	case ErrNoDomain:
		return PowerGone, nil
	}
	return "", err
}

func (f *fakeHypervisor) Describe(ref Ref) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d, err := f.find(ref)
	if err != nil {
		return "", err
	}
	return d.xml, nil
}

func (f *fakeHypervisor) Start(ref Ref, action Action, files map[string]*os.File) error {
	f.mu.Lock()
	f.handed = map[string]string{}
	for name, file := range files {
		f.handed[name], _ = os.Readlink(fmt.Sprintf("/proc/self/fd/%d", file.Fd()))
	}
	f.mu.Unlock()
	return f.Do(ref, action)
}

func (f *fakeHypervisor) Define(xml string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.actions = append(f.actions, "define")
	if err := f.fail["define"]; err != nil {
		return err
	}
	var parsed libvirtxml.Domain
	if err := parsed.Unmarshal(xml); err != nil {
		return err
	}
	identity, err := domain.ParseIdentity(parsed.Metadata.XML)
	if err != nil {
		return err
	}
	f.domains[parsed.UUID] = &fakeDomain{name: parsed.Name, xml: xml, identity: identity, power: PowerOff}
	return nil
}

func (f *fakeHypervisor) Do(ref Ref, action Action) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.actions = append(f.actions, action)
	if err := f.fail[action]; err != nil {
		return err
	}
	d, err := f.find(ref)
	if err != nil {
		return err
	}
	if starts := action == ActionStart || action == ActionStartPaused; starts == d.power.Active() && action != ActionUndefine {
		return ErrNotRunning
	}
	switch action {
	case ActionStart, ActionUnpause:
		d.power = PowerRunning
	case ActionStartPaused, ActionPause:
		d.power = PowerPaused
	case ActionDestroy:
		d.power = PowerDestroyed
	case ActionUndefine:
		delete(f.domains, ref.UUID)
	}
	return nil
}

func (f *fakeHypervisor) SetVCPUs(ref Ref, count uint) error {
	return f.edit(ref, "set vcpus", func(d *libvirtxml.Domain) error {
		d.VCPU.Current = count
		return nil
	})
}

func (f *fakeHypervisor) AttachDevice(ref Ref, xml string, _ map[string]*os.File) error {
	return f.edit(ref, "attach device", func(d *libvirtxml.Domain) error {
		if strings.HasPrefix(xml, "<interface") {
			var iface libvirtxml.DomainInterface
			err := iface.Unmarshal(xml)
			d.Devices.Interfaces = append(d.Devices.Interfaces, iface)
			return err
		}
		var disk libvirtxml.DomainDisk
		err := disk.Unmarshal(xml)
		d.Devices.Disks = append(d.Devices.Disks, disk)
		return err
	})
}

func (f *fakeHypervisor) DetachDevice(ref Ref, alias string) error {
	return f.edit(ref, "detach device", func(d *libvirtxml.Domain) error {
		if f.stubborn {
			return nil
		}
		d.Devices.Disks = slices.DeleteFunc(d.Devices.Disks, func(disk libvirtxml.DomainDisk) bool { return disk.Alias.Name == alias })
		d.Devices.Interfaces = slices.DeleteFunc(d.Devices.Interfaces, func(i libvirtxml.DomainInterface) bool { return i.Alias.Name == alias })
		return nil
	})
}

func (f *fakeHypervisor) CloseLeft(Ref) error { return nil }

func (f *fakeHypervisor) ForgetTPM(uuid string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forgotten = append(f.forgotten, uuid)
	return nil
}

func (f *fakeHypervisor) UpdateDevice(ref Ref, xml string) error {
	return f.edit(ref, "update device", func(d *libvirtxml.Domain) error {
		if strings.HasPrefix(xml, "<interface") {
			return d.Devices.Interfaces[len(d.Devices.Interfaces)-1].Unmarshal(xml)
		}
		return d.Devices.Memorydevs[0].Unmarshal(xml)
	})
}

// edit changes the XML of an active domain.
func (f *fakeHypervisor) edit(ref Ref, action Action, change func(*libvirtxml.Domain) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.actions = append(f.actions, action)
	if err := f.fail[action]; err != nil {
		return err
	}
	d, err := f.find(ref)
	if err != nil {
		return err
	}
	var parsed libvirtxml.Domain
	if err := parsed.Unmarshal(d.xml); err != nil {
		return err
	}
	if err := change(&parsed); err != nil {
		return err
	}
	d.xml, err = parsed.Marshal()
	return err
}

func (f *fakeHypervisor) OpenScreen(Ref) (net.Conn, error) { return f.screen, nil }

func (f *fakeHypervisor) Screenshot(_ Ref, read func(string, io.Reader) error) error {
	return read("image/x-portable-pixmap", strings.NewReader(f.picture))
}

func (f *fakeHypervisor) AgentOpen(ref Ref) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.find(ref); err != nil {
		return false, err
	}
	return f.agent != nil, nil
}

func (f *fakeHypervisor) AskAgent(ref Ref, command string, timeout time.Duration) (string, error) {
	f.mu.Lock()
	_, err := f.find(ref)
	agent := f.agent
	f.mu.Unlock()
	switch {
	case err != nil:
		return "", err
	case agent == nil:
		return "", ErrNoAgent
	}
	return agent(command, timeout)
}

// setAgent has something come or go where the guest's agent is.
func (f *fakeHypervisor) setAgent(agent guestagent.Executor) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.agent = agent
}

func (f *fakeHypervisor) ProbeKVM(context.Context, string) (string, error) {
	f.probed++
	return f.probe()
}

// set makes a domain of the instance do as the test wants.
func (f *fakeHypervisor) set(uuid string, power Power) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.domains[uuid].power = power
}

func (f *fakeHypervisor) setUp(up bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.up = up
}

func (f *fakeHypervisor) count(action Action) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, done := range f.actions {
		if done == action {
			n++
		}
	}
	return n
}

// bench is a manager on a fake hypervisor.
type bench struct {
	*Manager
	hypervisor *fakeHypervisor
	dir        string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{hypervisor: newFakeHypervisor(), dir: t.TempDir()}
	require.NoError(t, os.Mkdir(filepath.Join(b.dir, "volumes"), 0o755))
	b.begin(t)
	return b
}

// begin has a manager take over, as after a crash of the one before.
func (b *bench) begin(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	if b.Manager != nil {
		require.NoError(t, b.state.Close())
	}
	state, err := statedir.Open(filepath.Join(b.dir, "state"))
	require.NoError(t, err)
	b.Manager, err = New(ctx, Options{
		InstanceID:  owner,
		VolumeRoots: []string{filepath.Join(b.dir, "volumes")},
		RuntimeDir:  runtimeDir(t),
		MaxDomains:  3,
		Version:     "v1",
		Log:         slog.New(slog.DiscardHandler),
	}, b.hypervisor, b.hypervisor, state)
	require.NoError(t, err)
	b.accelerator.device = filepath.Join(b.dir, "no-kvm")
	b.Connected()
	_, _ = b.accelerator.kvm(t.Context()) // so that it is known
}

// runtimeDir has a path that is short enough for sockets.
func runtimeDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "va")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// request is of an instance with one disk.
func (b *bench) request(t *testing.T) *api.StartRequest {
	t.Helper()
	path := filepath.Join(b.dir, "volumes", "disk.img")
	require.NoError(t, os.WriteFile(path, make([]byte, 4096), 0o600))
	instance := &kubevirtv1.VirtualMachineInstance{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web-1", UID: testUID},
		Spec: kubevirtv1.VirtualMachineInstanceSpec{
			Domain: kubevirtv1.DomainSpec{Memory: &kubevirtv1.Memory{Guest: ptr.To(verbatim.MustParse("64Mi"))}},
			Volumes: []kubevirtv1.Volume{{Name: "root", VolumeSource: kubevirtv1.VolumeSource{
				PersistentVolumeClaim: &kubevirtv1.PersistentVolumeClaimVolumeSource{ClaimName: "disk"},
			}}},
		},
	}
	kubevirtv1.SetDefaultsVirtualMachineInstanceSpec(&instance.Spec)
	kubevirtv1.SetIdentity(&instance.Spec, instance.UID)
	return &api.StartRequest{Instance: instance, Disks: map[string]api.DiskSource{"root": {Path: path}}}
}

// start starts the instance and returns its domain's UUID.
func (b *bench) start(t *testing.T) string {
	t.Helper()
	request := b.request(t)
	status, err := b.Start(t.Context(), request)
	require.NoError(t, err)
	require.Equal(t, api.StateRunning, status.State)
	return uuidOf(request.Instance)
}

// status is what the instance's status is.
func (b *bench) status(t *testing.T) api.DomainStatus {
	t.Helper()
	list, err := b.List()
	require.NoError(t, err)
	require.Len(t, list, 1)
	return list[0]
}
