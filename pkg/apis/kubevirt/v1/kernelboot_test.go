// SPDX-License-Identifier: Apache-2.0

package v1

import (
	"testing"

	"github.com/stretchr/testify/assert"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

func TestKernelIsAskedForAgainWhereItsTagMoves(t *testing.T) {
	for image, want := range map[string]corev1.PullPolicy{
		"registry.example:5000/boot": corev1.PullAlways,
		"boot:latest":                corev1.PullAlways,
		"boot:6.1":                   corev1.PullIfNotPresent,
		"boot@sha256:aa":             corev1.PullIfNotPresent,
	} {
		spec := &VirtualMachineInstanceSpec{}
		spec.Domain.Firmware = &Firmware{KernelBoot: &KernelBoot{Container: &KernelBootContainer{Image: image, ImagePullSecret: ptr.To("s")}}}
		SetDefaultsVirtualMachineInstanceSpec(spec)
		assert.Equal(t, want, ptr.Deref(spec.Domain.Firmware.KernelContainer().ImagePullPolicy, ""), image)
		assert.Equal(t, []string{"s"}, spec.Domain.Firmware.SecretNames())
	}
}

func TestGuestWithoutAKernelNeedsNothingForIt(t *testing.T) {
	for _, firmware := range []*Firmware{nil, {}, {KernelBoot: &KernelBoot{}}} {
		assert.Nil(t, firmware.KernelContainer())
		assert.Empty(t, firmware.SecretNames())
	}
}
