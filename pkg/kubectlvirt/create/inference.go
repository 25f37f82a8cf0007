// SPDX-License-Identifier: Apache-2.0

package create

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// inferMatchers has the server infer from a volume what the flags don't say. Where nobody asked for that, it is done if
// it can be, and the server ignores what it can't infer.
func (b *builder) inferMatchers() error {
	if b.InferInstancetype && b.Instancetype == "" && !b.changed("memory") {
		explicit := b.changed("infer-instancetype") || b.changed("infer-instancetype-from")
		volume, err := b.inferFrom(b.InferInstancetypeFrom)
		switch {
		case err == nil:
			b.vm.Spec.Instancetype = &kubevirtv1.InstancetypeMatcher{InferFromVolume: ptr.To(volume), InferFromVolumeFailurePolicy: policy(explicit)}
			if explicit { // else the memory is for a volume that names none
				b.spec.Domain.Memory = nil
			}
		case explicit:
			return fmt.Errorf("infer the instance type: %w", err)
		}
	}
	if b.InferPreference && b.Preference == "" {
		explicit := b.changed("infer-preference") || b.changed("infer-preference-from")
		volume, err := b.inferFrom(b.InferPreferenceFrom)
		switch {
		case err == nil:
			b.vm.Spec.Preference = &kubevirtv1.PreferenceMatcher{InferFromVolume: ptr.To(volume), InferFromVolumeFailurePolicy: policy(explicit)}
		case explicit:
			return fmt.Errorf("infer the preference: %w", err)
		}
	}
	return nil
}

func policy(explicit bool) *kubevirtv1.InferFromVolumeFailurePolicy {
	if explicit {
		return nil
	}
	return ptr.To(kubevirtv1.IgnoreInferFromVolumeFailure)
}

// inferFrom returns the volume of that name, or with "" the one that the guest boots from, if it can name anything.
func (b *builder) inferFrom(name string) (string, error) {
	switch {
	case name != "":
	case len(b.boots) > 0:
		name = b.boots[slices.Min(slices.Collect(maps.Keys(b.boots)))]
	case len(b.spec.Volumes) > 0:
		name = b.spec.Volumes[0].Name
	default:
		return "", errors.New("there is no volume to infer it from")
	}
	if !slices.ContainsFunc(b.spec.Volumes, func(v kubevirtv1.Volume) bool { return v.Name == name }) {
		return "", fmt.Errorf("there is no volume %q", name)
	}
	if !b.naming[name] {
		return "", fmt.Errorf("volume %q is not one whose labels could name it; use one of --volume-pvc", name)
	}
	return name, nil
}
