// SPDX-License-Identifier: Apache-2.0

package validation_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/validation"
)

func TestKubeVirtIsOneObjectWithVerbositiesThatExist(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*kubevirtv1.KubeVirt)
		says   string
	}{
		"no settings":    {func(*kubevirtv1.KubeVirt) {}, ""},
		"empty settings": {func(kv *kubevirtv1.KubeVirt) { verbosity(kv, kubevirtv1.LogVerbosity{}) }, ""},
		"highest": {func(kv *kubevirtv1.KubeVirt) {
			verbosity(kv, kubevirtv1.LogVerbosity{VirtAPI: ptr.To[int32](7), VirtLauncher: ptr.To[int32](10)})
		}, ""},
		"too high":     {func(kv *kubevirtv1.KubeVirt) { verbosity(kv, kubevirtv1.LogVerbosity{VirtLauncher: ptr.To[int32](11)}) }, "spec.configuration.developerConfiguration.logVerbosity.virtLauncher: Invalid value: 11: must be from 0 to 10"},
		"with secrets": {func(kv *kubevirtv1.KubeVirt) { verbosity(kv, kubevirtv1.LogVerbosity{VirtHandler: ptr.To[int32](8)}) }, "logVerbosity.virtHandler: Invalid value: 8: must be from 0 to 7: above, whole requests and answers are logged"},
		"no updates of workloads": {func(kv *kubevirtv1.KubeVirt) {
			kv.Spec.WorkloadUpdateStrategy = &kubevirtv1.KubeVirtWorkloadUpdateStrategy{WorkloadUpdateMethods: []kubevirtv1.WorkloadUpdateMethod{}}
		}, ""},
		"updates of workloads": {func(kv *kubevirtv1.KubeVirt) {
			kv.Spec.WorkloadUpdateStrategy = &kubevirtv1.KubeVirtWorkloadUpdateStrategy{WorkloadUpdateMethods: []kubevirtv1.WorkloadUpdateMethod{"Evict"}}
		}, "spec.workloadUpdateStrategy.workloadUpdateMethods: Invalid value"},
		"negative": {func(kv *kubevirtv1.KubeVirt) {
			verbosity(kv, kubevirtv1.LogVerbosity{VirtController: ptr.To[int32](-1)})
		}, "logVerbosity.virtController: Invalid value: -1"},
		"a strategy": {func(kv *kubevirtv1.KubeVirt) {
			kv.Spec.Configuration.EvictionStrategy = ptr.To(kubevirtv1.EvictionStrategyExternal)
		}, ""},
		"no strategy": {func(kv *kubevirtv1.KubeVirt) {
			kv.Spec.Configuration.EvictionStrategy = ptr.To(kubevirtv1.EvictionStrategy("Never"))
		}, "spec.configuration.evictionStrategy: Invalid value: \"Never\""},
		"another one":        {func(kv *kubevirtv1.KubeVirt) { kv.Name = "second" }, "change kubevirt in the namespace kubevirt"},
		"in another's place": {func(kv *kubevirtv1.KubeVirt) { kv.Namespace = "default" }, "there is only one KubeVirt"},
	} {
		t.Run(name, func(t *testing.T) {
			kv := &kubevirtv1.KubeVirt{ObjectMeta: metav1.ObjectMeta{Name: "kubevirt", Namespace: "kubevirt"}}
			test.change(kv)
			errs := validation.ValidateKubeVirt(kv)
			if test.says == "" {
				assert.Empty(t, errs)
				return
			}
			assert.ErrorContains(t, errs.ToAggregate(), test.says)
		})
	}
}

func verbosity(kv *kubevirtv1.KubeVirt, verbosity kubevirtv1.LogVerbosity) {
	kv.Spec.Configuration.DeveloperConfiguration = &kubevirtv1.DeveloperConfiguration{LogVerbosity: &verbosity}
}
