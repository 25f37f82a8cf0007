// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

const (
	// smallDisk has room for the database and little else.
	smallDisk = "size=256m"
	// largeImage has none on it.
	largeImage = 400 << 20
)

func TestImportOntoAFullDiskSaysSoAndHarmsNobody(t *testing.T) {
	t.Parallel()
	s := ownServer(t)
	require.NoError(t, os.Mkdir(s.DataDir(), 0o711))
	require.NoError(t, syscall.Mount("tmpfs", s.DataDir(), "tmpfs", 0, smallDisk+",mode=711"))
	t.Cleanup(func() {
		s.Kill()
		s.KillLauncher()
		_ = syscall.Unmount(s.DataDir(), syscall.MNT_DETACH)
	})
	require.NoError(t, s.Start())
	p := s.newSpace(t)
	running := p.startTiny("running", kubevirtv1.RunStrategyAlways)

	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.CopyN(w, ones{}, largeImage)
	}))
	t.Cleanup(server.Close)
	large := tinyMachine("large", kubevirtv1.RunStrategyAlways)
	large.Spec.DataVolumeTemplates[0].Spec = importOf(server.URL, "512Mi")
	p.create(large)
	volume := p.awaitFailure("large-root", "NoSpace")
	assert.Contains(t, volume.Status.Condition(cdiv1.DataVolumeReady).Message, "free some")
	assert.Zero(t, allocated(t, p.volumeDir("large-root")), "bytes are left")
	p.awaitStatus("large", kubevirtv1.VirtualMachineStatusDataVolumeError)

	p.kubectl("delete", "vm", "large", "--timeout=300s")
	p.startTiny("another", kubevirtv1.RunStrategyAlways)
	assert.Equal(t, running.UID, p.awaitRunning("running", nil).UID)
	assert.Equal(t, "ok", s.Kubectl(t, "get", "--raw", "/readyz"))
}

// ones are bytes that cannot be left out of a sparse file.
type ones struct{}

func (ones) Read(buffer []byte) (int, error) {
	for i := range buffer {
		buffer[i] = 1
	}
	return len(buffer), nil
}
