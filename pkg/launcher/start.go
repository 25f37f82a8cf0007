// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/domain"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/statedir"
)

// Start brings the domain of an instance to run; see api.StartRequest. At each step a crash leaves what
// the next Start goes on with: the record first, then files, then the domain, then its process.
func (m *Manager) Start(ctx context.Context, request *api.StartRequest) (*api.DomainStatus, error) {
	instance := request.Instance
	if instance == nil {
		return nil, invalid(errors.New("instance: is needed"))
	}
	if err := domain.CheckIdentity(instance.Namespace, instance.Name, string(instance.UID)); err != nil {
		return nil, invalid(err)
	}
	if !m.isSynced() {
		return nil, m.unavailable()
	}
	kvm, err := m.accelerator.kvm(ctx)
	if err != nil {
		return nil, m.refused("look for KVM", err)
	}
	g, err := m.reserve(instance)
	if err != nil {
		return nil, err
	}
	defer g.mu.Unlock()
	done, err := m.standing(g, instance.UID)
	if err != nil || done {
		return m.answer(g, err)
	}
	return m.answer(g, m.launch(g, request, kvm))
}

func (m *Manager) answer(g *guest, err error) (*api.DomainStatus, error) {
	if err != nil {
		return nil, m.refused(fmt.Sprintf("start %s/%s", g.record.Namespace, g.record.Name), err)
	}
	status := g.status()
	return &status, nil
}

// reserve locks the instance of a name, and makes it if there is none. The caller unlocks it.
func (m *Manager) reserve(instance *kubevirtv1.VirtualMachineInstance) (*guest, error) {
	key := types.NamespacedName{Namespace: instance.Namespace, Name: instance.Name}
	for {
		g, err := m.acquire(key)
		if api.ReasonFor(err) != api.ErrorNotFound {
			return g, err
		}
		m.mu.Lock()
		if m.guests[key] != nil { // somebody was faster
			m.mu.Unlock()
			continue
		}
		defer m.mu.Unlock()
		if len(m.guests) >= m.options.MaxDomains {
			return nil, &api.Error{Reason: api.ErrorLimit, Message: fmt.Sprintf("the launcher has %d domains, its limit", len(m.guests))}
		}
		g = newGuest(statedir.Record{Namespace: instance.Namespace, Name: instance.Name, UID: instance.UID, UUID: uuidOf(instance)})
		g.power = PowerGone
		g.mu.Lock()
		m.guests[key] = g
		return g, nil
	}
}

func uuidOf(instance *kubevirtv1.VirtualMachineInstance) string {
	if instance.Spec.Domain.Firmware == nil {
		return ""
	}
	return string(ptr.Deref(instance.Spec.Domain.Firmware.UUID, ""))
}

// standing looks at what there is of a locked instance and says whether that is all that can be. A start that
// nobody waits for any more is not: it may fail yet, and then nobody else begins another.
func (m *Manager) standing(g *guest, uid types.UID) (done bool, err error) {
	if g.UID != uid {
		return false, &api.Error{Reason: api.ErrorConflict, Message: fmt.Sprintf(
			"%s/%s: the domain of an earlier instance, %s, is still there; delete it first", g.record.Namespace, g.record.Name, g.UID)}
	}
	if err := m.refresh(g); err != nil {
		return false, err
	}
	if g.power == PowerBeginning {
		return false, &api.Error{Reason: api.ErrorUnsettled, Message: fmt.Sprintf(
			"%s/%s: an earlier start of the domain, which was cut short, is not at its end yet; try again. If that lasts, libvirt was killed while it started the domain: "+
				"rm /run/libvirt/qemu/%s.xml, and restart libvirtd",
			g.record.Namespace, g.record.Name, domain.Name(g.record.Namespace, g.record.Name))}
	}
	return g.power.Active() || g.record.End != nil, nil
}

// launch takes a locked instance from nothing, or from what a crash left of an earlier launch, to a running
// domain. Where that fails nothing is left.
func (m *Manager) launch(g *guest, request *api.StartRequest, kvm bool) error {
	err := m.tryLaunch(g, request, kvm)
	if err == nil {
		g.facts = nil // an earlier try may have defined another domain
		return m.refresh(g)
	}
	if errors.Is(err, ErrUnavailable) {
		return err // whether it runs is seen when libvirt is back
	}
	if undo := m.remove(g); undo != nil {
		m.log.Warn("can't undo a start that failed", "uid", g.UID, "error", undo)
	}
	return err
}

func (m *Manager) tryLaunch(g *guest, request *api.StartRequest, kvm bool) error {
	instance := request.Instance
	if err := m.checkClash(instance); err != nil {
		return err
	}
	if err := m.host.provides(&instance.Spec); err != nil {
		return err
	}
	user, err := m.takeUser(g, &instance.Spec.Domain)
	if err != nil {
		return err
	}
	if err := m.state.Save(&g.record); err != nil {
		return err
	}
	handed := handover{}
	defer handed.close()
	files, err := m.prepareFiles(request, handed)
	if err != nil {
		return err
	}
	boot, err := m.prepareBoot(g, request)
	if err != nil {
		return fmt.Errorf("spec.domain.firmware.kernelBoot: %w", err)
	}
	input := domain.Input{
		Instance:      instance,
		Owner:         m.options.InstanceID,
		KVM:           kvm,
		Files:         files,
		Boot:          boot,
		Taps:          request.Taps,
		ConsoleSocket: m.socketPath(g.UID),
		ConsoleLog:    m.state.ConsoleLog(g.UID),
		NVRAM:         m.state.NVRAM(g.UID),
		User:          user,
	}
	if err := m.keep(instance, &input); err != nil {
		return err
	}
	built, err := domain.Build(input)
	if err != nil {
		return invalid(err)
	}
	text, err := built.Marshal()
	if err != nil {
		return fmt.Errorf("encode the domain: %w", err)
	}
	if err := m.hypervisor.Define(text); err != nil {
		return startFailed(err, "")
	}
	if err := m.hypervisor.Start(g.Ref, startAction(instance), handed); err != nil {
		return startFailed(err, m.accessRemedy(files))
	}
	return nil
}

func startAction(instance *kubevirtv1.VirtualMachineInstance) Action {
	if strategy := instance.Spec.StartStrategy; strategy != nil && *strategy == kubevirtv1.StartStrategyPaused {
		return ActionStartPaused
	}
	return ActionStart
}

// checkClash refuses to take the name or the UUID of a domain that is not this instance's.
func (m *Manager) checkClash(instance *kubevirtv1.VirtualMachineInstance) error {
	name, uuid := domain.Name(instance.Namespace, instance.Name), uuidOf(instance)
	found, err := m.hypervisor.Find(name, uuid)
	if err != nil {
		return err
	}
	for _, other := range found {
		if other.UUID == uuid && other.Name == name && other.Identity != nil &&
			other.Identity.Owner == m.options.InstanceID && other.Identity.UID == instance.UID {
			continue
		}
		return &api.Error{Reason: api.ErrorConflict, Message: clash(other, name, uuid)}
	}
	return nil
}

func clash(other Domain, name, uuid string) string {
	owner := "was made by somebody else"
	if other.Identity != nil {
		owner = fmt.Sprintf("is that of instance %s of launcher %q", other.Identity.UID, other.Identity.Owner)
	}
	what := "name " + name
	if other.Name != name {
		what = "UUID " + uuid
	}
	return fmt.Sprintf("libvirt already has a domain with the %s, which %s (%s, %s); remove it or choose another",
		what, owner, other.Name, other.UUID)
}

func invalid(err error) error {
	return &api.Error{Reason: api.ErrorInvalid, Message: err.Error()}
}

// startFailed keeps the errors that say more than that the start failed.
func startFailed(err error, remedy string) error {
	if errors.Is(err, ErrUnavailable) || errors.Is(err, ErrUnsupported) {
		return err
	}
	message := err.Error()
	if remedy != "" {
		message += "; " + remedy
	}
	return &api.Error{Reason: api.ErrorStartFailed, Message: message}
}
