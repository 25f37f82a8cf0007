// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/utils/ptr"
	"libvirt.org/go/libvirtxml"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// kernelBoot has the request's instance boot a kernel with an initrd.
func (b *bench) kernelBoot(t *testing.T, request *api.StartRequest) {
	t.Helper()
	boot := &api.BootFiles{Kernel: filepath.Join(b.dir, "volumes", "k"), Initrd: filepath.Join(b.dir, "volumes", "i")}
	require.NoError(t, os.WriteFile(boot.Kernel, []byte("kernel"), 0o400))
	require.NoError(t, os.WriteFile(boot.Initrd, []byte("initrd"), 0o400))
	request.Boot = boot
	request.Instance.Spec.Domain.Firmware.KernelBoot = &kubevirtv1.KernelBoot{
		KernelArgs: ptr.To("console=ttyS0"),
		Container:  &kubevirtv1.KernelBootContainer{Image: "registry.example/boot:1", KernelPath: ptr.To("/boot/k"), InitrdPath: ptr.To("/boot/i")},
	}
}

func TestKernelIsCopiedAndKeptWithTheInstance(t *testing.T) {
	b := newBench(t)
	request := b.request(t)
	b.kernelBoot(t, request)
	status, err := b.Start(t.Context(), request)
	require.NoError(t, err)
	sums := &api.BootSums{Kernel: crc32.ChecksumIEEE([]byte("kernel")), Initrd: ptr.To(crc32.ChecksumIEEE([]byte("initrd")))}
	assert.Equal(t, sums, status.Boot)

	dir := filepath.Join(b.dir, "state", "domains", string(testUID))
	var built libvirtxml.Domain
	require.NoError(t, built.Unmarshal(b.hypervisor.domains[uuidOf(request.Instance)].xml))
	assert.Equal(t, filepath.Join(dir, "kernel.boot"), built.OS.Kernel)
	assert.Equal(t, filepath.Join(dir, "initrd.boot"), built.OS.Initrd)
	assert.Equal(t, "console=ttyS0", built.OS.Cmdline)

	original, err := os.Stat(request.Boot.Kernel)
	require.NoError(t, err)
	kept, err := os.Stat(built.OS.Kernel)
	require.NoError(t, err)
	assert.False(t, os.SameFile(original, kept), "what its QEMU has is not what others boot")
	require.NoError(t, os.Remove(request.Boot.Kernel), "the cache may drop it")
	content, err := os.ReadFile(built.OS.Kernel)
	require.NoError(t, err)
	assert.Equal(t, "kernel", string(content))
	b.begin(t) // another launcher
	assert.Equal(t, sums, b.status(t).Boot)
	require.NoError(t, b.Delete(testKey(), testUID))
	assert.NoDirExists(t, dir)
}

func TestKernelThatCannotBeIsRefused(t *testing.T) {
	for name, change := range map[string]func(b *bench, r *api.StartRequest){
		"none given":      func(_ *bench, r *api.StartRequest) { r.Boot = nil },
		"no initrd given": func(_ *bench, r *api.StartRequest) { r.Boot.Initrd = "" },
		"an initrd too many": func(_ *bench, r *api.StartRequest) {
			r.Instance.Spec.Domain.Firmware.KernelBoot.Container.InitrdPath = ptr.To("")
		},
		"elsewhere":   func(_ *bench, r *api.StartRequest) { r.Boot.Kernel = "/etc/passwd" },
		"a directory": func(b *bench, r *api.StartRequest) { r.Boot.Initrd = filepath.Join(b.dir, "volumes") },
		"a link": func(b *bench, r *api.StartRequest) {
			r.Boot.Kernel = filepath.Join(b.dir, "volumes", "link")
			_ = os.Symlink("k", r.Boot.Kernel)
		},
		"long arguments":    arguments(strings.Repeat("x", kubevirtv1.MaxKernelArgs+1)),
		"arguments of bits": arguments("a\x00b"),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			request := b.request(t)
			b.kernelBoot(t, request)
			change(b, request)
			_, err := b.Start(t.Context(), request)
			assert.Equal(t, api.ErrorInvalid, api.ReasonFor(err), "%v", err)
			require.ErrorContains(t, err, "spec.domain.firmware.kernelBoot")
			b.assertEmpty(t)
		})
	}
}

func arguments(text string) func(*bench, *api.StartRequest) {
	return func(_ *bench, r *api.StartRequest) {
		r.Instance.Spec.Domain.Firmware.KernelBoot.KernelArgs = ptr.To(text)
	}
}
