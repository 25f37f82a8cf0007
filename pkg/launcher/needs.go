// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/domain"
)

// host is what guests may need of the machine that libvirt does not see to. Its directories are absolute.
type host struct {
	// hugepages is where the kernel tells of huge pages.
	hugepages string
	// vsock is the device of the kernel that makes guests' VSOCK.
	vsock string
	// find looks for a program.
	find func(program string) (path string, err error)
	// group looks for the number of a group.
	group func(name string) (uint32, error)
	// libvirtState is where root's libvirt keeps a directory for each domain.
	libvirtState string
}

func thisHost() host {
	return host{hugepages: "/sys/kernel/mm/hugepages", vsock: "/dev/vhost-vsock", find: exec.LookPath, group: groupID,
		libvirtState: "/var/lib/libvirt/qemu"}
}

// provides refuses, with the remedy, what the host does not have: QEMU and libvirt say less.
func (h host) provides(spec *kubevirtv1.VirtualMachineInstanceSpec) error {
	if err := h.hasPrograms(&spec.Domain); err != nil {
		return err
	}
	if err := h.hasVSOCK(&spec.Domain.Devices); err != nil {
		return err
	}
	return h.hasHugepages(spec.Domain.Memory)
}

func (h host) hasVSOCK(devices *kubevirtv1.Devices) error {
	if !domain.HasVSOCK(devices) {
		return nil
	}
	info, err := os.Stat(h.vsock)
	if err == nil && info.Mode()&os.ModeCharDevice != 0 {
		return nil
	}
	return &api.Error{Reason: api.ErrorStartFailed, Message: fmt.Sprintf(
		"spec.domain.devices.autoattachVSOCK: the node has no device %s; load the module of its kernel: modprobe vhost_vsock", h.vsock)}
}

// hasPrograms looks for those that libvirt runs beside QEMU.
func (h host) hasPrograms(spec *kubevirtv1.DomainSpec) error {
	if !spec.Devices.TPM.On() {
		return nil
	}
	for _, program := range []string{"swtpm", "swtpm_setup"} {
		if _, err := h.find(program); err != nil {
			return &api.Error{Reason: api.ErrorStartFailed, Message: fmt.Sprintf(
				"spec.domain.devices.tpm: the node has no program %s; install it, on Debian: apt-get install swtpm swtpm-tools", program)}
		}
	}
	return nil
}

func (h host) hasHugepages(memory *kubevirtv1.Memory) error {
	size := domain.PageSize(memory)
	if size == 0 {
		return nil
	}
	need := (memory.Guest.Value() + size - 1) / size
	free, err := h.freePages(size)
	if err != nil {
		return err
	}
	if free >= need {
		return nil
	}
	return &api.Error{Reason: api.ErrorStartFailed, Message: fmt.Sprintf(
		"spec.domain.memory.hugepages: the guest needs %d huge pages of %s, the node has %d that are free; set more aside: echo N > %s",
		need, resource.NewQuantity(size, resource.BinarySI), free, filepath.Join(h.pagesDir(size), "nr_hugepages"))}
}

func (h host) pagesDir(size int64) string {
	return filepath.Join(h.hugepages, fmt.Sprintf("hugepages-%dkB", size>>10))
}

// freePages counts those that nobody has and nobody was promised; a size that the processor lacks has none.
func (h host) freePages(size int64) (int64, error) {
	free, err := readCount(filepath.Join(h.pagesDir(size), "free_hugepages"))
	if err != nil {
		return 0, err
	}
	promised, err := readCount(filepath.Join(h.pagesDir(size), "resv_hugepages"))
	return free - promised, err
}

func readCount(path string) (int64, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("count huge pages: %w", err)
	}
	return strconv.ParseInt(strings.TrimSpace(string(raw)), 10, 64)
}
