// SPDX-License-Identifier: Apache-2.0

package create

import (
	"fmt"
	"strings"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// addMatchers adds the references to an instance type and a preference, each [KIND/]NAME.
func (o *Options) addMatchers(vm *kubevirtv1.VirtualMachine) error {
	if o.Instancetype != "" {
		kind, name := splitKind(o.Instancetype)
		matcher := &kubevirtv1.InstancetypeMatcher{Kind: kind, Name: name}
		if name == "" || matcher.ResolvedKind() == "" {
			return noMatcher("instancetype", o.Instancetype, kubevirtv1.KindInstancetype, kubevirtv1.KindClusterInstancetype)
		}
		vm.Spec.Instancetype = matcher
	}
	if o.Preference != "" {
		kind, name := splitKind(o.Preference)
		matcher := &kubevirtv1.PreferenceMatcher{Kind: kind, Name: name}
		if name == "" || matcher.ResolvedKind() == "" {
			return noMatcher("preference", o.Preference, kubevirtv1.KindPreference, kubevirtv1.KindClusterPreference)
		}
		vm.Spec.Preference = matcher
	}
	return nil
}

func splitKind(text string) (kind, name string) {
	kind, name, found := strings.Cut(text, "/")
	if !found {
		return "", text
	}
	return kind, name
}

func noMatcher(flag, text, kind, clusterKind string) error {
	return fmt.Errorf("--%s %s: it must be NAME, %s/NAME or %s/NAME", flag, text, clusterKind, kind)
}
