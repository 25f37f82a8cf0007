// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"errors"
	"fmt"
	"os"

	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/domain"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/seed"
)

const (
	mebibyte = 1 << 20
	// maxEmptyDisk is larger than any file can be that matters.
	maxEmptyDisk = 1 << 46
)

// prepareFiles finds or makes the file behind each volume of an instance whose record is saved.
// Those that are not the instance's alone, or lie where others may be, are put into handed, open.
func (m *Manager) prepareFiles(request *api.StartRequest, handed handover) (map[string]domain.File, error) {
	files := map[string]domain.File{}
	used := map[string]string{}
	for i := range request.Instance.Spec.Volumes {
		volume := &request.Instance.Spec.Volumes[i]
		file, err := m.prepareFile(request, volume, handed)
		if err != nil {
			return nil, fmt.Errorf("spec.volumes[%d] (%s): %w", i, volume.Name, err)
		}
		if other, ok := used[file.Path]; ok {
			return nil, invalid(fmt.Errorf("spec.volumes[%d] (%s): has the same file as volume %s", i, volume.Name, other))
		}
		files[volume.Name], used[file.Path] = *file, volume.Name
	}
	return files, nil
}

func (m *Manager) prepareFile(request *api.StartRequest, volume *kubevirtv1.Volume, handed handover) (*domain.File, error) {
	switch {
	case volume.ContainerDisk != nil:
		return m.overlayContainerDisk(request, volume, handed)
	case volume.Ephemeral != nil:
		return m.overlayClaim(request, volume, handed)
	case volume.HostDisk != nil:
		return m.openHostDisk(volume, handed)
	}
	f, readOnly, err := m.openVolume(request, volume)
	if err != nil {
		return nil, err
	}
	return m.fileOf(diskOf(request.Instance, volume.Name), volume.Name, f, readOnly, handed)
}

func (m *Manager) openVolume(request *api.StartRequest, volume *kubevirtv1.Volume) (f *os.File, readOnly bool, err error) {
	instance := request.Instance
	switch {
	case volume.DataVolume != nil, volume.PersistentVolumeClaim != nil:
		return m.openClaim(request, volume)
	case volume.EmptyDisk != nil:
		f, err = m.makeEmpty(instance, volume)
	case volume.ConfigMap != nil, volume.Secret != nil, volume.DownwardAPI != nil, volume.Sysprep != nil:
		f, err = m.makeImage(request, volume.Name)
	case volume.CloudInitNoCloud != nil:
		f, err = m.makeSeed(request, volume.Name, seed.NoCloud)
	case volume.CloudInitConfigDrive != nil:
		f, err = m.makeSeed(request, volume.Name, seed.ConfigDrive)
	default:
		err = invalid(errors.New("has no source that the launcher knows"))
	}
	return f, false, err
}

func (m *Manager) openClaim(request *api.StartRequest, volume *kubevirtv1.Volume) (f *os.File, readOnly bool, err error) {
	source, ok := request.Disks[volume.Name]
	if !ok {
		return nil, false, invalid(errors.New("no disk was given"))
	}
	readOnly = source.ReadOnly || volume.PersistentVolumeClaim != nil && ptr.Deref(volume.PersistentVolumeClaim.ReadOnly, false)
	f, err = m.openSource(source, readOnly)
	if err != nil {
		return nil, false, invalid(err)
	}
	return f, readOnly, nil
}

func (m *Manager) makeEmpty(instance *kubevirtv1.VirtualMachineInstance, volume *kubevirtv1.Volume) (*os.File, error) {
	size := volume.EmptyDisk.Capacity.Value() / mebibyte * mebibyte
	if size < mebibyte || size > maxEmptyDisk {
		return nil, invalid(fmt.Errorf("emptyDisk.capacity: %s is not between 1Mi and 64Ti", volume.EmptyDisk.Capacity))
	}
	return m.state.MakeEmpty(instance.UID, volume.Name, size)
}

func (m *Manager) makeSeed(request *api.StartRequest, volume string, layout func(seed.Meta, seed.Data) (*seed.Image, error)) (*os.File, error) {
	// A conversion, so that a field which only one of the two types has does not compile.
	image, err := layout(metaOf(request.Instance), seed.Data(request.Seeds[volume]))
	if err != nil {
		return nil, invalid(err)
	}
	return m.state.MakeSeed(request.Instance.UID, volume, image.Write)
}

func (m *Manager) makeImage(request *api.StartRequest, volume string) (*os.File, error) {
	given, ok := request.Images[volume]
	if !ok {
		return nil, invalid(errors.New("no content was given"))
	}
	image, err := seed.Files(given.Label, given.Files)
	if err != nil {
		return nil, invalid(err)
	}
	return m.state.MakeSeed(request.Instance.UID, volume, image.Write)
}

func metaOf(instance *kubevirtv1.VirtualMachineInstance) seed.Meta {
	return seed.Meta{
		UUID:      uuidOf(instance),
		Namespace: instance.Namespace,
		Name:      instance.Name,
		Hostname:  instance.Hostname(),
	}
}
