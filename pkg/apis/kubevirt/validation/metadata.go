// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// refusedAnnotations are those that would change a guest on KubeVirt, where a feature gate lets them, and that
// nobody acts on here. Upstream's words come first.
var refusedAnnotations = []struct{ name, reason string }{
	{"kubevirt.io/ignitiondata", "ExperimentalIgnitionSupport feature gate is not enabled in kubevirt-config, invalid entry metadata.annotations.kubevirt.io/ignitiondata: use cloud-init"},
	{"hooks.kubevirt.io/hookSidecars", "sidecar feature gate is not enabled in kubevirt-config, invalid entry metadata.annotations.hooks.kubevirt.io/hookSidecars: there are no sidecars that could change the domain; remove it"},
}

// validateRefusedAnnotations refuses what an instance can't have, rather than to ignore it.
func validateRefusedAnnotations(annotations map[string]string, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for _, refused := range refusedAnnotations {
		if value := annotations[refused.name]; value != "" {
			errs = append(errs, field.Invalid(path, refused.name, refused.reason))
		}
	}
	return errs
}
