// SPDX-License-Identifier: Apache-2.0

package validation_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/validation"
)

func TestErrorsComeInTheSameOrderEachTime(t *testing.T) {
	text := strings.ReplaceAll(`
hostname: "-"
subdomain: "-"
domain:
  resources:
    requests: {memory: -1, gpu: 1, cpu: -1, tpu: 1}
    limits: {memory: -1, gpu: 1, cpu: -1, tpu: 1}
  devices:
    interfaces:
    - name: default
      dhcpOptions: {bootFileName: LONG, tftpServerName: LONG}
networks:
- {name: default, pod: {}}
`, "LONG", strings.Repeat("x", 256))
	var spec kubevirtv1.VirtualMachineInstanceSpec
	require.NoError(t, yaml.UnmarshalStrict([]byte(text), &spec))
	kubevirtv1.SetDefaultsVirtualMachineInstanceSpec(&spec)
	judge := func() string {
		return validation.ValidateVirtualMachineInstanceSpec(&spec, field.NewPath("spec")).ToAggregate().Error()
	}
	first := judge()
	for range 50 {
		assert.Equal(t, first, judge())
	}
}
