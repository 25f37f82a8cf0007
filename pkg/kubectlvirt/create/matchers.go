// SPDX-License-Identifier: Apache-2.0

package create

import (
	"fmt"
	"strings"

	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// addMatchers adds the references to an instance type and a preference, each [KIND/]NAME. An instance type brings the
// memory.
func (b *builder) addMatchers() error {
	if b.Instancetype != "" {
		kind, name := splitKind(b.Instancetype)
		matcher := &kubevirtv1.InstancetypeMatcher{Kind: kubevirtv1.Given(kind), Name: ptr.To(name)}
		if name == "" || matcher.ResolvedKind() == "" {
			return noMatcher("instancetype", b.Instancetype, kubevirtv1.KindInstancetype, kubevirtv1.KindClusterInstancetype)
		}
		b.vm.Spec.Instancetype = matcher
		b.spec.Domain.Memory = nil
	}
	if b.Preference != "" {
		kind, name := splitKind(b.Preference)
		matcher := &kubevirtv1.PreferenceMatcher{Kind: kubevirtv1.Given(kind), Name: ptr.To(name)}
		if name == "" || matcher.ResolvedKind() == "" {
			return noMatcher("preference", b.Preference, kubevirtv1.KindPreference, kubevirtv1.KindClusterPreference)
		}
		b.vm.Spec.Preference = matcher
	}
	return nil
}

func splitKind(text string) (kind, name string) {
	kind, name, found := strings.Cut(text, "/")
	if !found {
		return "", text
	}
	return strings.ToLower(kind), name
}

func noMatcher(flag, text, kind, clusterKind string) error {
	return fmt.Errorf("--%s %s: it must be NAME, %s/NAME or %s/NAME", flag, text, clusterKind, kind)
}
