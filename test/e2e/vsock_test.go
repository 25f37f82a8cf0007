// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"errors"
	"io/fs"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/node/streams"
)

const vsockMachine = `
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata: {name: ear}
spec:
  runStrategy: Once
  template:
    spec:
      terminationGracePeriodSeconds: 0
      domain:
        memory: {guest: 64Mi}
        devices: {autoattachVSOCK: true}
`

// TestVSOCKIsThereWhereTheKernelHasIt is refused with the remedy on most machines for tests, which have no vhost_vsock.
func TestVSOCKIsThereWhereTheKernelHasIt(t *testing.T) {
	t.Parallel()
	p := suite.server.newSpace(t)
	p.apply(vsockMachine)
	_, err := os.Stat("/dev/vhost-vsock")
	if !errors.Is(err, fs.ErrNotExist) {
		require.NoError(t, err)
		instance := p.awaitRunning("ear", nil)
		require.NotNil(t, instance.Status.VSOCKCID)
		assert.GreaterOrEqual(t, *instance.Status.VSOCKCID, uint32(3))
	} else {
		assert.Contains(t, p.awaitFailed("ear").Message, "/dev/vhost-vsock; load the module of its kernel: modprobe vhost_vsock")
		p.awaitEvents("VirtualMachineInstance", "ear", "Warning SyncFailed")
	}
	p.apply(emptyMachine)
	p.awaitStatus("bare", kubevirtv1.VirtualMachineStatusRunning)
	for _, group := range []string{"kubevirt.io", "subresources.kubevirt.io"} {
		for query, says := range map[string]string{"port=1&tls=false": "VSOCK is not attached.", "tls=false": "port is needed", "port=1": "tls=false"} {
			path := "/apis/" + group + "/v1/namespaces/" + p.name + "/virtualmachineinstances/bare/vsock?" + query
			assert.Contains(t, p.refusedStream(path), says, path)
		}
	}
}

// refusedStream opens a stream that there is not, and returns what the server says of it.
func (p *space) refusedStream(path string) string {
	p.t.Helper()
	address, client, err := streams.ClientFor(p.Config)
	require.NoError(p.t, err)
	_, err = streams.Dial(p.t.Context(), address+path, client)
	require.Error(p.t, err)
	assert.True(p.t, apierrors.IsBadRequest(err), "%v", err)
	return err.Error()
}
