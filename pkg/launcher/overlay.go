// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"errors"
	"os"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/beneath"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/domain"
)

// overlayContainerDisk puts an overlay of the instance's own on a disk that others use too. The disk gets a
// name among the instance's files, so that it stays for as long as those, whatever becomes of where it was.
func (m *Manager) overlayContainerDisk(request *api.StartRequest, volume *kubevirtv1.Volume, handed handover) (*domain.File, error) {
	return m.overlay(request, volume, handed, func(base *os.File) (string, error) {
		return m.state.KeepBase(request.Instance.UID, volume.Name, base)
	})
}

// overlayClaim puts an overlay on a claim, which is then only read. The claim stays for as long as an
// instance uses it.
func (m *Manager) overlayClaim(request *api.StartRequest, volume *kubevirtv1.Volume, handed handover) (*domain.File, error) {
	path := request.Disks[volume.Name].Path
	if _, _, err := beneath.Split(m.options.DeviceRoots, path); err == nil {
		return nil, invalid(errors.New("ephemeral: a block device can't be below what is thrown away; use persistentVolumeClaim with readOnly, or a claim of mode Filesystem"))
	}
	return m.overlay(request, volume, handed, func(*os.File) (string, error) { return path, nil })
}

// overlay puts an overlay on the volume's disk, which keep gives the name that it stays under.
func (m *Manager) overlay(request *api.StartRequest, volume *kubevirtv1.Volume, handed handover, keep func(base *os.File) (string, error)) (*domain.File, error) {
	source, ok := request.Disks[volume.Name]
	if !ok {
		return nil, invalid(errors.New("no disk was given"))
	}
	base, err := openBeneath(m.options.VolumeRoots, source.Path, true)
	if err != nil {
		return nil, invalid(err)
	}
	descriptor := handed.add(volume.Name+".base", base)
	kept, err := keep(base)
	if err != nil {
		return nil, err
	}
	overlay, err := m.state.MakeOverlay(request.Instance.UID, volume.Name, base, kept)
	if err != nil {
		return nil, err
	}
	defer overlay.Close()
	return &domain.File{
		Path: overlay.Name(), Backing: kept, BackingDescriptor: descriptor,
		DirectIO: takesDirectIO(overlay) && takesDirectIO(base), BlockSize: blockSize(overlay),
	}, nil
}
