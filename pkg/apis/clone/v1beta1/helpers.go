// SPDX-License-Identifier: Apache-2.0

package v1beta1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// nameSuffix is how much of the UID a name that is made up ends with.
const nameSuffix = 5

// TargetName is the name of the machine that the clone makes. Where the spec has none it follows from the
// clone's UID, so that it is the same whenever it is asked for.
func (c *VirtualMachineClone) TargetName() string {
	if c.Spec.Target != nil && c.Spec.Target.Name != "" {
		return c.Spec.Target.Name
	}
	source := ""
	if c.Spec.Source != nil {
		source = c.Spec.Source.Name
	}
	uid := string(c.UID)
	return "clone-" + source + "-" + uid[:min(nameSuffix, len(uid))]
}

// IsFinal says whether nothing more becomes of the clone.
func (c *VirtualMachineClone) IsFinal() bool {
	return c.Status.Phase == Succeeded || c.Status.Phase == Failed
}

// SetCondition sets a condition, and its time, if it says something new.
func (s *VirtualMachineCloneStatus) SetCondition(condition Condition, now metav1.Time) {
	condition.LastTransitionTime = now
	for i := range s.Conditions {
		had := &s.Conditions[i]
		if had.Type != condition.Type {
			continue
		}
		if had.Status == condition.Status {
			condition.LastTransitionTime = had.LastTransitionTime
		}
		*had = condition
		return
	}
	s.Conditions = append(s.Conditions, condition)
}

// Condition returns the condition of that type inside s, or nil.
func (s *VirtualMachineCloneStatus) Condition(kind ConditionType) *Condition {
	for i := range s.Conditions {
		if s.Conditions[i].Type == kind {
			return &s.Conditions[i]
		}
	}
	return nil
}
