// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/domain"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/statedir"
)

// keep sets up what an instance keeps for those that come after it, and says so in the domain's input. What an
// instance without a machine is to keep ends with it. State that is another machine's, and that the domain
// would get by its UUID, is never touched.
func (m *Manager) keep(instance *kubevirtv1.VirtualMachineInstance, in *domain.Input) error {
	uuid := uuidOf(instance)
	found, err := m.state.Kept(uuid)
	if err != nil {
		return err
	}
	owner := metav1.GetControllerOf(instance)
	// Anybody can write an owner into an instance, but only into those of a namespace that is theirs.
	if found != nil && (owner == nil || owner.UID != found.Owner || instance.Namespace != found.Namespace) {
		return &api.Error{Reason: api.ErrorConflict, Message: fmt.Sprintf(
			"spec.domain.firmware.uuid: %s is that of machine %s/%s, whose state is kept under it; choose another", uuid, found.Namespace, found.Name)}
	}
	spec := &instance.Spec.Domain
	if owner == nil || !spec.KeepsNVRAM() && !spec.KeepsTPM() {
		return nil
	}
	kept := statedir.Kept{
		Kept: api.Kept{UUID: uuid, Namespace: instance.Namespace, Name: owner.Name, Owner: owner.UID},
		TPM:  spec.KeepsTPM() || found != nil && found.TPM,
	}
	if found == nil || *found != kept {
		if err := m.state.Keep(&kept); err != nil {
			return err
		}
	}
	in.KeepTPM = spec.KeepsTPM()
	if spec.KeepsNVRAM() {
		in.NVRAM = m.state.KeptNVRAM(uuid)
	}
	return nil
}

// Kept returns the state that is kept.
func (m *Manager) Kept() ([]api.Kept, error) {
	all, err := m.state.AllKept()
	if err != nil {
		return nil, m.refused("list kept state", err)
	}
	list := make([]api.Kept, 0, len(all))
	for _, kept := range all {
		list = append(list, kept.Kept)
	}
	return list, nil
}

// Forget removes state that is kept for the domain of a UUID and is owner's. What a crash leaves of that is
// removed by the next Forget.
func (m *Manager) Forget(uuid string, owner types.UID) error {
	doing := "forget what is kept of domain " + uuid
	if !m.isSynced() {
		return m.unavailable()
	}
	kept, err := m.state.Kept(uuid)
	if err != nil || kept == nil {
		return m.refused(doing, err)
	}
	if kept.Owner != owner || m.uses(uuid) {
		return &api.Error{Reason: api.ErrorConflict, Message: doing + ": it is in use, or another machine's"}
	}
	if kept.TPM {
		if err := m.hypervisor.ForgetTPM(uuid); err != nil {
			return m.refused(doing, err)
		}
	}
	return m.refused(doing, m.state.Forget(uuid))
}

func (m *Manager) uses(uuid string) bool {
	for _, g := range m.all() {
		if g.UUID == uuid {
			return true
		}
	}
	return false
}
