// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

func TestARunningGuestIsResized(t *testing.T) {
	b := newBench(t)
	request := b.request(t)
	domain := &request.Instance.Spec.Domain
	domain.CPU.MaxSockets, domain.Memory = ptr.To[uint32](4), &kubevirtv1.Memory{
		Guest: ptr.To(verbatim.MustParse("1Gi")), MaxGuest: ptr.To(verbatim.MustParse("2Gi")),
	}
	status, err := b.Start(t.Context(), request)
	require.NoError(t, err)
	assert.EqualValues(t, 1, status.VCPUs)
	assert.Equal(t, api.Memory{AtBoot: 1 << 30, Requested: 1 << 30, Current: 1 << 30}, status.Memory)

	status, err = b.Resize(testTarget(), api.ResizeRequest{VCPUs: 3, Memory: 3 << 29})
	require.NoError(t, err)
	assert.EqualValues(t, 3, status.VCPUs)
	assert.EqualValues(t, 3<<29, status.Memory.Requested)
	assert.EqualValues(t, 3, b.status(t).VCPUs, "watchers are told")

	_, err = b.Resize(testTarget(), api.ResizeRequest{VCPUs: 3, Memory: 3 << 29})
	require.NoError(t, err)
	assert.Equal(t, 1, b.hypervisor.count("set vcpus"), "what is so already is not done again")
	assert.Equal(t, 1, b.hypervisor.count("update device"))
}

func TestAResizeThatCannotBeIsRefused(t *testing.T) {
	b := newBench(t)
	b.start(t)
	_, err := b.Resize(testTarget(), api.ResizeRequest{Memory: 1 << 30})
	require.ErrorContains(t, err, "can't be changed while it runs")
	assert.Equal(t, api.ErrorInvalid, api.ReasonFor(err))

	_, err = b.Resize(api.Target{Namespace: "shop", Name: "web-1", UID: otherUID}, api.ResizeRequest{VCPUs: 2})
	assert.Equal(t, api.ErrorConflict, api.ReasonFor(err))

	b.hypervisor.fail["set vcpus"] = ErrUnsupported
	_, err = b.Resize(testTarget(), api.ResizeRequest{VCPUs: 2})
	assert.Equal(t, api.ErrorInvalid, api.ReasonFor(err))

	require.NoError(t, b.Shutdown(testKey(), api.ShutdownRequest{}))
	_, err = b.Resize(testTarget(), api.ResizeRequest{VCPUs: 2})
	assert.Equal(t, api.ErrorNotRunning, api.ReasonFor(err))
}
