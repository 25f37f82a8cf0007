// SPDX-License-Identifier: Apache-2.0

package v1

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ReasonPvcNotFound, of Synchronized, is that a claim of the instance does not exist.
const ReasonPvcNotFound = "FailedPvcNotFound"

// Reasons, of Synchronized, that the image of a containerDisk could not be had.
const (
	// ReasonErrImagePull: an attempt has failed.
	ReasonErrImagePull = "ErrImagePull"
	// ReasonImagePullBackOff: the next attempt waits.
	ReasonImagePullBackOff = "ImagePullBackOff"
)

// NotReadyWithoutInstance is the Ready condition of a machine that has no instance.
func NotReadyWithoutInstance() VirtualMachineCondition {
	return VirtualMachineCondition{
		Type: VirtualMachineReady, Status: corev1.ConditionFalse, Reason: "VMINotExists", Message: "VMI does not exist",
	}
}

// Condition returns the condition of that type inside s, or nil.
func (s *VirtualMachineStatus) Condition(kind VirtualMachineConditionType) *VirtualMachineCondition {
	for i := range s.Conditions {
		if s.Conditions[i].Type == kind {
			return &s.Conditions[i]
		}
	}
	return nil
}

// HasCondition says whether the condition of that type has that status. An absent condition has none.
func (s *VirtualMachineStatus) HasCondition(kind VirtualMachineConditionType, status corev1.ConditionStatus) bool {
	condition := s.Condition(kind)
	return condition != nil && condition.Status == status
}

// SetCondition adds the condition or replaces the one of its type. The transition time is now where the
// status changes, else what it was.
func (s *VirtualMachineStatus) SetCondition(condition VirtualMachineCondition, now metav1.Time) {
	condition.LastTransitionTime = now
	have := s.Condition(condition.Type)
	if have == nil {
		s.Conditions = append(s.Conditions, condition)
		return
	}
	if have.Status == condition.Status {
		condition.LastTransitionTime = have.LastTransitionTime
	}
	*have = condition
}

// RemoveCondition removes the condition of that type, if there is one.
func (s *VirtualMachineStatus) RemoveCondition(kind VirtualMachineConditionType) {
	s.Conditions = slices.DeleteFunc(s.Conditions, func(c VirtualMachineCondition) bool { return c.Type == kind })
}

// Condition returns the condition of that type inside s, or nil.
func (s *VirtualMachineInstanceStatus) Condition(kind VirtualMachineInstanceConditionType) *VirtualMachineInstanceCondition {
	for i := range s.Conditions {
		if s.Conditions[i].Type == kind {
			return &s.Conditions[i]
		}
	}
	return nil
}

// HasCondition says whether the condition of that type has that status. An absent condition has none.
func (s *VirtualMachineInstanceStatus) HasCondition(kind VirtualMachineInstanceConditionType, status corev1.ConditionStatus) bool {
	condition := s.Condition(kind)
	return condition != nil && condition.Status == status
}

// SetCondition adds the condition or replaces the one of its type. The transition time is now where the
// status changes, else what it was.
func (s *VirtualMachineInstanceStatus) SetCondition(condition VirtualMachineInstanceCondition, now metav1.Time) {
	condition.LastTransitionTime = now
	have := s.Condition(condition.Type)
	if have == nil {
		s.Conditions = append(s.Conditions, condition)
		return
	}
	if have.Status == condition.Status {
		condition.LastTransitionTime = have.LastTransitionTime
	}
	*have = condition
}

// RemoveCondition removes the condition of that type, if there is one.
func (s *VirtualMachineInstanceStatus) RemoveCondition(kind VirtualMachineInstanceConditionType) {
	s.Conditions = slices.DeleteFunc(s.Conditions, func(c VirtualMachineInstanceCondition) bool { return c.Type == kind })
}
