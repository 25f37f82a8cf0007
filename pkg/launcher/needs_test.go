// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

func TestModuleNeedsItsPrograms(t *testing.T) {
	h := host{find: func(program string) (string, error) {
		if program == "swtpm" {
			return "/usr/bin/swtpm", nil
		}
		return "", exec.ErrNotFound
	}}
	spec := &kubevirtv1.VirtualMachineInstanceSpec{}
	require.NoError(t, h.provides(spec))
	spec.Domain.Devices.TPM = &kubevirtv1.TPMDevice{}
	require.ErrorContains(t, h.provides(spec), "no program swtpm_setup; install it")
}

func TestVSOCKNeedsItsDevice(t *testing.T) {
	h := host{vsock: filepath.Join(t.TempDir(), "vhost-vsock")}
	spec := &kubevirtv1.VirtualMachineInstanceSpec{}
	require.NoError(t, h.provides(spec))
	spec.Domain.Devices.AutoattachVSOCK = ptr.To(true)
	err := h.provides(spec)
	require.ErrorContains(t, err, "modprobe vhost_vsock")
	assert.Equal(t, api.ErrorStartFailed, api.ReasonFor(err))
	require.NoError(t, os.WriteFile(h.vsock, nil, 0o600))
	require.Error(t, h.provides(spec), "a file in its place is none")
	h.vsock = os.DevNull
	require.NoError(t, h.provides(spec))
}

func TestGuestOnHugePagesNeedsFreeOnes(t *testing.T) {
	h := host{hugepages: t.TempDir()}
	pages := filepath.Join(h.hugepages, "hugepages-2048kB")
	require.NoError(t, os.Mkdir(pages, 0o700))
	for file, count := range map[string]string{"free_hugepages": "40\n", "resv_hugepages": "8\n"} {
		require.NoError(t, os.WriteFile(filepath.Join(pages, file), []byte(count), 0o600))
	}
	for name, test := range map[string]struct{ size, guest, says string }{
		"enough":        {"2Mi", "64Mi", ""},
		"too few":       {"2Mi", "66Mi", "needs 33 huge pages of 2Mi, the node has 32 that are free"},
		"no such pages": {"1Gi", "1Gi", "needs 1 huge pages of 1Gi, the node has 0"},
	} {
		t.Run(name, func(t *testing.T) {
			err := h.provides(&kubevirtv1.VirtualMachineInstanceSpec{Domain: kubevirtv1.DomainSpec{Memory: &kubevirtv1.Memory{
				Guest: ptr.To(verbatim.MustParse(test.guest)), Hugepages: &kubevirtv1.Hugepages{PageSize: ptr.To(test.size)},
			}}})
			if test.says == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.says)
			assert.Equal(t, api.ErrorStartFailed, api.ReasonFor(err))
		})
	}
}
