// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/statedir"
)

// prober is an accelerator and what it probes with.
type prober struct {
	*accelerator
	hypervisor *fakeHypervisor
}

// newProber is of a node that has a device of KVM, with a probe that answers as given.
func newProber(t *testing.T, probe func() (string, error)) *prober {
	t.Helper()
	dir := t.TempDir()
	state, err := statedir.Open(dir)
	require.NoError(t, err)
	t.Cleanup(func() { _ = state.Close() })
	device := filepath.Join(dir, "kvm")
	require.NoError(t, os.WriteFile(device, nil, 0o600))
	hypervisor := newFakeHypervisor()
	hypervisor.probe = probe
	return &prober{&accelerator{prober: hypervisor, state: state, device: device, log: slog.New(slog.DiscardHandler)}, hypervisor}
}

func TestKVMIsUsedOnlyWhereAGuestRan(t *testing.T) {
	for name, test := range map[string]struct {
		probe     func() (string, error)
		wantKVM   bool
		wantKnown string
	}{
		"works":    {func() (string, error) { return "", nil }, true, "kvm"},
		"hangs":    {func() (string, error) { return "a guest under KVM hung", nil }, false, "tcg"},
		"no guest": {func() (string, error) { return "", errors.New("QEMU is missing") }, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newProber(t, test.probe)
			assert.Empty(t, b.known())
			kvm, err := b.kvm(t.Context())
			require.NoError(t, err)
			assert.Equal(t, test.wantKVM, kvm)
			assert.Equal(t, test.wantKnown, b.known())
		})
	}
}

func TestProbeIsKeptUntilTheNodeBoots(t *testing.T) {
	b := newProber(t, func() (string, error) { return "a guest under KVM hung", nil })
	_, err := b.kvm(t.Context())
	require.NoError(t, err)
	b.result = nil // the next launcher
	_, err = b.kvm(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, b.hypervisor.probed)

	_, err = b.state.SetCache(probeResult, []byte(`{"bootID":"an earlier one","problem":""}`))
	require.NoError(t, err)
	b.result = nil
	kvm, err := b.kvm(t.Context())
	require.NoError(t, err)
	assert.False(t, kvm)
	assert.Equal(t, 2, b.hypervisor.probed)
}

func TestProbeWaitsForLibvirt(t *testing.T) {
	b := newProber(t, func() (string, error) { return "", ErrUnavailable })
	_, err := b.kvm(t.Context())
	require.ErrorIs(t, err, ErrUnavailable)
	assert.Empty(t, b.known())
}

func TestNoDeviceNeedsNoProbe(t *testing.T) {
	b := newProber(t, nil)
	require.NoError(t, os.Remove(b.device))
	kvm, err := b.kvm(t.Context())
	require.NoError(t, err)
	assert.False(t, kvm)
	assert.Equal(t, "tcg", b.known())
	assert.Zero(t, b.hypervisor.probed)
}
