// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"errors"
	"hash/crc32"
	"io"
	"os"

	"k8s.io/utils/ptr"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/domain"
)

// prepareBoot copies the kernel that a locked instance boots, and its initrd, to the instance's files, which are its
// QEMU's to read. It notes their checksums; they are read just before QEMU reads them.
func (m *Manager) prepareBoot(g *guest, request *api.StartRequest) (*domain.Boot, error) {
	container := request.Instance.Spec.Domain.Firmware.KernelContainer()
	if container == nil {
		return nil, nil
	}
	if request.Boot == nil || (ptr.Deref(container.InitrdPath, "") == "") != (request.Boot.Initrd == "") {
		return nil, invalid(errors.New("the kernel or the initrd was not given"))
	}
	kernel, sum, err := m.keepBoot(g, "kernel", request.Boot.Kernel)
	if err != nil {
		return nil, err
	}
	boot, sums := &domain.Boot{Kernel: kernel}, &api.BootSums{Kernel: sum}
	if request.Boot.Initrd != "" {
		initrd, sum, err := m.keepBoot(g, "initrd", request.Boot.Initrd)
		if err != nil {
			return nil, err
		}
		boot.Initrd, sums.Initrd = initrd, &sum
	}
	g.record.Boot = sums
	return boot, m.state.Save(&g.record)
}

func (m *Manager) keepBoot(g *guest, name, path string) (kept string, sum uint32, err error) {
	file, err := openBeneath(m.options.VolumeRoots, path, true)
	if err != nil {
		return "", 0, invalid(err)
	}
	defer file.Close()
	if sum, err = checksum(file); err != nil {
		return "", 0, err
	}
	kept, err = m.state.KeepBoot(g.UID, name, file)
	return kept, sum, err
}

func checksum(file *os.File) (uint32, error) {
	digest := crc32.NewIEEE()
	_, err := io.Copy(digest, file)
	return digest.Sum32(), err
}
