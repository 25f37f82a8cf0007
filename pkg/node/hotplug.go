// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// Reasons of events about volumes, as upstream names them.
const (
	eventVolumeReady     = "VolumeReady"
	eventVolumeUnplugged = "VolumeUnplugged"
)

// reasonVolumeInUse is that another guest has a claim that only one may have.
const reasonVolumeInUse = "VolumeInUse"

// plugRetry is when to look again at a volume that can't come, or does not go, yet.
const plugRetry = 2 * time.Second

// plugged is what became of the volumes that a running guest was to get or to give up.
type plugged struct {
	// claims are behind those that it got, by the name of the volume.
	claims map[string]*corev1.PersistentVolumeClaim
	// waiting says why others have not come.
	waiting map[string]*trouble
	// again is when to try again; 0 is never.
	again time.Duration
}

// plug gives a running guest the hot-pluggable volumes that its spec has, and takes those that it has not.
// It returns what the domain is then. What the domain has is the only memory: whoever ends in between, the
// next look goes on from there.
func (a *Agent) plug(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, domain api.DomainStatus) (api.DomainStatus, plugged) {
	done := plugged{claims: map[string]*corev1.PersistentVolumeClaim{}, waiting: map[string]*trouble{}}
	if domain.State != api.StateRunning && domain.State != api.StatePaused || domain.Targets == nil {
		return domain, done
	}
	target := api.Target{Namespace: domain.Namespace, Name: domain.Name, UID: domain.UID}
	for i := range vmi.Spec.Volumes {
		volume := &vmi.Spec.Volumes[i]
		if _, has := domain.Targets[volume.Name]; has || !volume.IsHotpluggable() {
			continue
		}
		status, claim, err := a.plugOne(ctx, vmi, volume, target)
		if err != nil {
			done.waiting[volume.Name] = &trouble{reasonFor(err), err}
			done.again = plugRetry
			continue
		}
		domain, done.claims[volume.Name] = *status, claim
	}
	for name := range domain.Targets {
		if slices.ContainsFunc(vmi.Spec.Volumes, func(v kubevirtv1.Volume) bool { return v.Name == name }) {
			continue
		}
		done.again = plugRetry
		if status, err := a.Launcher.Unplug(ctx, target, api.UnplugRequest{Name: name}); err == nil {
			domain = *status
		} else {
			done.waiting[name] = &trouble{reasonFor(err), err}
		}
	}
	return domain, done
}

func (a *Agent) plugOne(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, volume *kubevirtv1.Volume, target api.Target) (*api.DomainStatus, *corev1.PersistentVolumeClaim, error) {
	i := slices.IndexFunc(vmi.Spec.Domain.Devices.Disks, func(d kubevirtv1.Disk) bool { return d.Name == volume.Name })
	if i < 0 {
		return nil, nil, &trouble{reasonVolumeNotReady, fmt.Errorf("volume %q: has no disk", volume.Name)}
	}
	claim, err := a.claim(ctx, vmi.Namespace, volume)
	if err != nil {
		return nil, nil, err
	}
	if user := a.otherUser(vmi, claim); user != "" {
		return nil, nil, &trouble{reasonVolumeInUse, fmt.Errorf(
			"volume %q: PersistentVolumeClaim %q allows one user at a time and instance %q uses it", volume.Name, claim.Name, user)}
	}
	path, err := a.Volumes.Locate(ctx, claim)
	if err != nil {
		return nil, nil, &trouble{reasonVolumeNotReady, fmt.Errorf("volume %q: %w", volume.Name, err)}
	}
	status, err := a.Launcher.Plug(ctx, target, api.PlugRequest{
		Disk: vmi.Spec.Domain.Devices.Disks[i], Source: api.DiskSource{Path: path, ReadOnly: isReadOnly(volume)},
	})
	return status, claim, err
}

// otherUser names another instance of the node that has the claim, or is to get it first, where only one may.
func (a *Agent) otherUser(vmi *kubevirtv1.VirtualMachineInstance, claim *corev1.PersistentVolumeClaim) string {
	for _, mode := range claim.Spec.AccessModes {
		if mode == corev1.ReadWriteMany || mode == corev1.ReadOnlyMany {
			return ""
		}
	}
	for _, object := range a.instances.GetStore().List() {
		other := object.(*kubevirtv1.VirtualMachineInstance)
		if other.Namespace != vmi.Namespace || other.UID == vmi.UID || isFinal(other) || !slices.Contains(other.UsedClaimNames(), claim.Name) {
			continue
		}
		// Of two that both wait for it, the first by name gets it.
		if !awaits(other, claim.Name) || other.Name < vmi.Name {
			return other.Name
		}
	}
	return ""
}

// awaits says whether the claim is that of a volume which the instance's guest has not got yet.
func awaits(vmi *kubevirtv1.VirtualMachineInstance, claim string) bool {
	return vmi.IsRunning() && slices.ContainsFunc(vmi.Status.VolumeStatus, func(v kubevirtv1.VolumeStatus) bool {
		return v.Phase == kubevirtv1.VolumePending && slices.ContainsFunc(vmi.Spec.Volumes, func(volume kubevirtv1.Volume) bool {
			return volume.Name == v.Name && volume.ClaimName() == claim
		})
	})
}

// tellVolumes makes events of volumes that came to or left a running guest.
func (a *Agent) tellVolumes(vmi *kubevirtv1.VirtualMachineInstance, before, after []kubevirtv1.VolumeStatus) {
	phases := func(volumes []kubevirtv1.VolumeStatus) map[string]kubevirtv1.VolumePhase {
		found := map[string]kubevirtv1.VolumePhase{}
		for _, volume := range volumes {
			found[volume.Name] = volume.Phase
		}
		return found
	}
	had, has := phases(before), phases(after)
	for _, volume := range after {
		if volume.HotplugVolume != nil && volume.Phase == kubevirtv1.VolumeReady && had[volume.Name] != kubevirtv1.VolumeReady {
			a.Recorder.Eventf(vmi, corev1.EventTypeNormal, eventVolumeReady, "Successfully attach hotplugged volume %s to VM", volume.Name)
		}
	}
	for _, volume := range before {
		if _, stays := has[volume.Name]; !stays {
			a.Recorder.Eventf(vmi, corev1.EventTypeNormal, eventVolumeUnplugged, "The guest has given up volume %s", volume.Name)
		}
	}
}
