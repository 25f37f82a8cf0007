// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// maxLauncherVerbosity is the highest that makes a difference to anybody. A launcher is no client of the API.
const maxLauncherVerbosity = 10

const secretsInTheLog = ": above, whole requests and answers are logged, with the Secrets in them"

// ValidateKubeVirt returns what is wrong with the settings of an installation, of which there is one.
func ValidateKubeVirt(kv *kubevirtv1.KubeVirt) field.ErrorList {
	var errs field.ErrorList
	if kv.Namespace != kubevirtv1.KubeVirtNamespace || kv.Name != kubevirtv1.KubeVirtName {
		errs = append(errs, field.Invalid(field.NewPath("metadata", "name"), kv.Name,
			fmt.Sprintf("there is only one KubeVirt: change %s in the namespace %s", kubevirtv1.KubeVirtName, kubevirtv1.KubeVirtNamespace)))
	}
	if strategy := kv.Spec.Configuration.EvictionStrategy; strategy != nil {
		errs = append(errs, among(field.NewPath("spec", "configuration", "evictionStrategy"), *strategy, evictionStrategies)...)
	}
	if strategy := kv.Spec.WorkloadUpdateStrategy; strategy != nil && len(strategy.WorkloadUpdateMethods) > 0 {
		errs = append(errs, field.Invalid(field.NewPath("spec", "workloadUpdateStrategy", "workloadUpdateMethods"),
			strategy.WorkloadUpdateMethods, "must be empty: an update of the installation disrupts no instance"))
	}
	return append(errs, validateLogVerbosity(kv)...)
}

func validateLogVerbosity(kv *kubevirtv1.KubeVirt) field.ErrorList {
	var errs field.ErrorList
	developer := kv.Spec.Configuration.DeveloperConfiguration
	if developer == nil || developer.LogVerbosity == nil {
		return errs
	}
	verbosity, path := developer.LogVerbosity, field.NewPath("spec", "configuration", "developerConfiguration", "logVerbosity")
	for _, component := range []struct {
		name       string
		value, max int32
		why        string
	}{
		{"virtAPI", ptr.Deref(verbosity.VirtAPI, 0), kubevirtv1.MaxLogVerbosity, secretsInTheLog},
		{"virtController", ptr.Deref(verbosity.VirtController, 0), kubevirtv1.MaxLogVerbosity, secretsInTheLog},
		{"virtHandler", ptr.Deref(verbosity.VirtHandler, 0), kubevirtv1.MaxLogVerbosity, secretsInTheLog},
		{"virtLauncher", ptr.Deref(verbosity.VirtLauncher, 0), maxLauncherVerbosity, ""},
	} {
		if component.value < 0 || component.value > component.max {
			errs = append(errs, field.Invalid(path.Child(component.name), component.value,
				fmt.Sprintf("must be from 0 to %d%s", component.max, component.why)))
		}
	}
	return errs
}
