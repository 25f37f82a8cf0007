// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

var errDown = errors.New("dial unix /run/launcher: connection refused")

// fakeLauncher keeps domains in memory, as the launcher does: one for each name, ended ones until they are
// deleted. Tests end guests, and take the launcher or libvirt away.
type fakeLauncher struct {
	mu      sync.Mutex
	domains map[types.NamespacedName]api.DomainStatus
	watches map[chan api.Event]struct{}
	// down: nothing answers. noLibvirt: the launcher does, libvirt does not.
	down, noLibvirt bool
	// refuse is the answer to starts and resizes.
	refuse error
	// initial is the state of a guest that was started.
	initial api.State
	// initialInterfaces are those of a guest that was started.
	initialInterfaces []kubevirtv1.VirtualMachineInstanceNetworkInterface

	starts    map[types.UID]int
	requests  []*api.StartRequest
	shutdowns []int64
	// unhealthy is what the last shutdown was for.
	unhealthy string
	resizes   []api.ResizeRequest
	plugs     []api.PlugRequest
	// interfaces are what SetInterface was called with.
	interfaces []api.InterfaceRequest
	// stubborn: the guest gives no disk up.
	stubborn bool
	deleted  []types.UID
	kept     []api.Kept
	// calls are the actions that were called, answer is what comes of them; nil where all succeed.
	calls  []fakeCall
	answer func(fakeCall) error
}

// fakeCall is one that was made.
type fakeCall struct {
	action string
	in     any
}

func newFakeLauncher() *fakeLauncher {
	return &fakeLauncher{
		domains: map[types.NamespacedName]api.DomainStatus{},
		watches: map[chan api.Event]struct{}{},
		starts:  map[types.UID]int{},
		initial: api.StateRunning,
	}
}

func (f *fakeLauncher) lock() (unlock func(), err error) {
	f.mu.Lock()
	if f.down {
		f.mu.Unlock()
		return nil, errDown
	}
	return f.mu.Unlock, nil
}

func (f *fakeLauncher) libvirt() error {
	if f.noLibvirt {
		return &api.Error{Reason: api.ErrorLibvirtUnavailable, Message: "libvirt does not answer: start libvirtd"}
	}
	return nil
}

func (f *fakeLauncher) Health(context.Context) (*api.Health, error) {
	unlock, err := f.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	return &api.Health{Libvirt: !f.noLibvirt, Message: "start libvirtd"}, nil
}

func (f *fakeLauncher) List(context.Context) ([]api.DomainStatus, error) {
	unlock, err := f.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	return slices.Collect(maps.Values(f.domains)), nil
}

func (f *fakeLauncher) Start(_ context.Context, request *api.StartRequest) (*api.DomainStatus, error) {
	unlock, err := f.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	if f.refuse != nil {
		return nil, f.refuse
	}
	if err := f.libvirt(); err != nil {
		return nil, err
	}
	vmi := request.Instance
	if domain, found := f.domains[keyFor(vmi)]; found {
		if domain.UID != vmi.UID {
			return nil, &api.Error{Reason: api.ErrorConflict, Message: "another instance's domain has the name"}
		}
		return &domain, nil
	}
	f.starts[vmi.UID]++
	f.requests = append(f.requests, request)
	domain := api.DomainStatus{
		Namespace: vmi.Namespace, Name: vmi.Name, UID: vmi.UID, State: f.initial,
		Machine: "pc-q35-7.2", Targets: map[string]string{"root": "vda"},
		Interfaces: f.initialInterfaces,
	}
	if request.Boot != nil {
		domain.Boot = &api.BootSums{Kernel: 7, Initrd: ptr.To(uint32(8))}
	}
	if ptr.Deref(vmi.Spec.Domain.Devices.AutoattachVSOCK, false) {
		domain.VSOCKCID = 7
	}
	if f.initial == api.StatePaused {
		domain.Reason = api.ReasonPausedByUser
	}
	f.set(domain)
	return &domain, nil
}

func (f *fakeLauncher) Shutdown(_ context.Context, namespace, name string, request api.ShutdownRequest) error {
	unlock, err := f.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if err := f.libvirt(); err != nil {
		return err
	}
	domain, found := f.domains[types.NamespacedName{Namespace: namespace, Name: name}]
	if !found {
		return &api.Error{Reason: api.ErrorNotFound, Message: "no such domain"}
	}
	f.shutdowns = append(f.shutdowns, request.GracePeriodSeconds)
	f.unhealthy = request.Unhealthy
	domain.State = api.StateStopping
	f.set(domain)
	return nil
}

func (f *fakeLauncher) Resize(_ context.Context, target api.Target, request api.ResizeRequest) (*api.DomainStatus, error) {
	unlock, err := f.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	f.resizes = append(f.resizes, request)
	if f.refuse != nil {
		return nil, f.refuse
	}
	domain := f.domains[types.NamespacedName{Namespace: target.Namespace, Name: target.Name}]
	if request.VCPUs != 0 {
		domain.VCPUs = request.VCPUs
	}
	if request.Memory != 0 {
		domain.Memory.Requested = request.Memory
	}
	f.set(domain)
	return &domain, nil
}

// Plug is idempotent, as api.PlugRequest says: an agent whose view of the domain is behind asks once more.
func (f *fakeLauncher) Plug(_ context.Context, target api.Target, request api.PlugRequest) (*api.DomainStatus, error) {
	return f.changeTargets(target, func(targets map[string]string) {
		if _, has := targets[request.Disk.Name]; has {
			return
		}
		f.plugs = append(f.plugs, request)
		targets[request.Disk.Name] = "sd" + request.Disk.Name
	})
}

// SetInterface does it at once.
func (f *fakeLauncher) SetInterface(_ context.Context, target api.Target, request api.InterfaceRequest) (*api.DomainStatus, error) {
	unlock, err := f.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	f.interfaces = append(f.interfaces, request)
	if f.refuse != nil {
		return nil, f.refuse
	}
	domain := f.domains[types.NamespacedName{Namespace: target.Namespace, Name: target.Name}]
	domain.Interfaces = slices.DeleteFunc(slices.Clone(domain.Interfaces), func(i kubevirtv1.VirtualMachineInstanceNetworkInterface) bool {
		return i.Name == request.Interface.Name
	})
	if ptr.Deref(request.Interface.State, "") != kubevirtv1.InterfaceStateAbsent {
		domain.Interfaces = append(domain.Interfaces, kubevirtv1.VirtualMachineInstanceNetworkInterface{
			Name: request.Interface.Name, LinkState: string(ptr.Deref(request.Interface.State, "")),
		})
	}
	f.set(domain)
	return &domain, nil
}

// Unplug leaves the disk with the guest where the test says that the guest does not cooperate.
func (f *fakeLauncher) Unplug(_ context.Context, target api.Target, request api.UnplugRequest) (*api.DomainStatus, error) {
	return f.changeTargets(target, func(targets map[string]string) {
		if !f.stubborn {
			delete(targets, request.Name)
		}
	})
}

func (f *fakeLauncher) changeTargets(target api.Target, change func(map[string]string)) (*api.DomainStatus, error) {
	unlock, err := f.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	if f.refuse != nil {
		return nil, f.refuse
	}
	domain := f.domains[types.NamespacedName{Namespace: target.Namespace, Name: target.Name}]
	domain.Targets = maps.Clone(domain.Targets)
	change(domain.Targets)
	f.set(domain)
	return &domain, nil
}

func (f *fakeLauncher) Delete(_ context.Context, namespace, name string, uid types.UID) error {
	unlock, err := f.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if err := f.libvirt(); err != nil {
		return err
	}
	key := types.NamespacedName{Namespace: namespace, Name: name}
	domain, found := f.domains[key]
	if !found || domain.UID != uid {
		return nil
	}
	delete(f.domains, key)
	f.deleted = append(f.deleted, uid)
	f.tell(api.Event{Type: api.EventDeleted, Status: domain})
	return nil
}

func (f *fakeLauncher) Kept(context.Context) ([]api.Kept, error) {
	unlock, err := f.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	return slices.Clone(f.kept), nil
}

func (f *fakeLauncher) Forget(_ context.Context, kept api.Kept) error {
	unlock, err := f.lock()
	if err != nil {
		return err
	}
	defer unlock()
	f.kept = slices.DeleteFunc(f.kept, func(k api.Kept) bool { return k == kept })
	return nil
}

func (f *fakeLauncher) Call(_ context.Context, domain api.Target, action string, in, out any) error {
	unlock, err := f.lock()
	if err != nil {
		return err
	}
	defer unlock()
	call := fakeCall{action, in}
	f.calls = append(f.calls, call)
	if f.answer != nil {
		if err := f.answer(call); err != nil {
			return err
		}
	}
	if credentials, ok := in.(api.Credentials); ok {
		status := f.domains[types.NamespacedName{Namespace: domain.Namespace, Name: domain.Name}]
		status.Credentials = credentials.Version
		f.set(status)
	}
	return nil
}

func (f *fakeLauncher) Watch(ctx context.Context, handle func(api.Event) error) error {
	unlock, err := f.lock()
	if err != nil {
		return err
	}
	events := make(chan api.Event, 1000)
	for _, domain := range f.domains {
		events <- api.Event{Type: api.EventStatus, Status: domain}
	}
	events <- api.Event{Type: api.EventSynced}
	f.watches[events] = struct{}{}
	unlock()
	defer f.unwatch(events)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case event, open := <-events:
			if !open {
				return errDown
			}
			if err := handle(event); err != nil {
				return err
			}
		}
	}
}

func (f *fakeLauncher) unwatch(events chan api.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.watches, events)
}

// set and tell need the lock.
func (f *fakeLauncher) set(domain api.DomainStatus) {
	f.domains[keyOf(domain)] = domain
	f.tell(api.Event{Type: api.EventStatus, Status: domain})
}

func (f *fakeLauncher) tell(event api.Event) {
	for events := range f.watches {
		events <- event
	}
}

// change has something happen to a domain without anybody's asking.
func (f *fakeLauncher) change(key types.NamespacedName, state api.State, reason, message string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	domain := f.domains[key]
	domain.State, domain.Reason, domain.Message = state, reason, message
	f.set(domain)
}

// put adds a domain that nobody asked for.
func (f *fakeLauncher) put(domain api.DomainStatus) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.set(domain)
}

// lose forgets a domain without a word, as libvirt does when the host is rebooted.
func (f *fakeLauncher) lose(key types.NamespacedName) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.domains, key)
}

func (f *fakeLauncher) setDown(down bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = down
	if down {
		for events := range f.watches {
			close(events)
			delete(f.watches, events)
		}
	}
}

func (f *fakeLauncher) with(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
}

func (f *fakeLauncher) state(key types.NamespacedName) api.State {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.domains[key].State
}

func (f *fakeLauncher) watched() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.watches) > 0
}

func (f *fakeLauncher) startCount(uid types.UID) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.starts[uid]
}

func (f *fakeLauncher) lastStart() *api.StartRequest {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.requests[len(f.requests)-1]
}
