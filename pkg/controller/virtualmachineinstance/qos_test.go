// SPDX-License-Identifier: Apache-2.0

package virtualmachineinstance

import (
	"testing"

	"github.com/stretchr/testify/assert"
	corev1 "k8s.io/api/core/v1"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

func TestQualityOfServiceIsThatOfAPod(t *testing.T) {
	list := func(cpu, memory string) verbatim.ResourceList {
		made := verbatim.ResourceList{}
		for name, text := range map[corev1.ResourceName]string{corev1.ResourceCPU: cpu, corev1.ResourceMemory: memory} {
			if text != "" {
				made[name] = verbatim.MustParse(text)
			}
		}
		return made
	}
	for name, test := range map[string]struct {
		requests, limits verbatim.ResourceList
		want             corev1.PodQOSClass
	}{
		"nothing":              {nil, nil, corev1.PodQOSBurstable},
		"requests":             {list("1", "1Gi"), nil, corev1.PodQOSBurstable},
		"limits":               {nil, list("1", "1Gi"), corev1.PodQOSGuaranteed},
		"the same":             {list("1000m", "1024Mi"), list("1", "1Gi"), corev1.PodQOSGuaranteed},
		"less memory":          {list("1", "512Mi"), list("1", "1Gi"), corev1.PodQOSBurstable},
		"no limit of memory":   {list("1", "1Gi"), list("1", ""), corev1.PodQOSBurstable},
		"a request of one":     {list("", "1Gi"), list("1", "1Gi"), corev1.PodQOSGuaranteed},
		"no limit of the cpus": {nil, list("", "1Gi"), corev1.PodQOSBurstable},
	} {
		domain := &kubevirtv1.DomainSpec{Resources: &kubevirtv1.ResourceRequirements{Requests: test.requests, Limits: test.limits}}
		assert.Equal(t, test.want, qosClass(domain), name)
	}
}
