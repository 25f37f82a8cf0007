// SPDX-License-Identifier: Apache-2.0

package namespace

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// report tells in the status what keeps the namespace, with upstream's conditions. It writes when that has
// changed, and nothing for a namespace that has been empty from its first look.
func (c *Controller) report(ctx context.Context, namespace *corev1.Namespace, found *content) error {
	reported := namespace.DeepCopy()
	for _, condition := range conditions(found) {
		set(&reported.Status, condition, metav1.NewTime(c.now()))
	}
	if slices.Equal(reported.Status.Conditions, namespace.Status.Conditions) {
		return nil
	}
	_, err := c.kube.CoreV1().Namespaces().UpdateStatus(ctx, reported, metav1.UpdateOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("report what is left: %w", err)
	}
	return nil
}

func conditions(found *content) []corev1.NamespaceCondition {
	return []corev1.NamespaceCondition{
		condition(corev1.NamespaceDeletionDiscoveryFailure, messageOf(found.undiscovered), "DiscoveryFailed",
			"ResourcesDiscovered", "All resources successfully discovered"),
		condition(corev1.NamespaceDeletionContentFailure, messageOf(found.undeleted), "ContentDeletionFailed",
			"ContentDeleted", "All content successfully deleted, may be waiting on finalization"),
		condition(corev1.NamespaceContentRemaining, remaining(found), "SomeResourcesRemain",
			"ContentRemoved", "All content successfully removed"),
		condition(corev1.NamespaceFinalizersRemaining, holding(found), "SomeFinalizersRemain",
			"ContentHasNoFinalizers", "All content-preserving finalizers finished"),
	}
}

// condition is true, for a reason, if there is a problem.
func condition(kind corev1.NamespaceConditionType, problem, reason, otherReason, otherwise string) corev1.NamespaceCondition {
	if problem == "" {
		return corev1.NamespaceCondition{Type: kind, Status: corev1.ConditionFalse, Reason: otherReason, Message: otherwise}
	}
	return corev1.NamespaceCondition{Type: kind, Status: corev1.ConditionTrue, Reason: reason, Message: problem}
}

func messageOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func remaining(found *content) string {
	counts := map[string]int{}
	for resource, n := range found.objects {
		counts[resource.String()] = n
	}
	return tell("Some resources are remaining: ", counts, "%s has %d resource instances")
}

func holding(found *content) string {
	return tell("Some content in the namespace has finalizers remaining: ", found.finalizers, "%s in %d resource instances")
}

func tell(intro string, counts map[string]int, format string) string {
	if len(counts) == 0 {
		return ""
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf(format, name, counts[name]))
	}
	return intro + strings.Join(parts, ", ")
}

// set keeps the time of a condition whose status stays.
func set(status *corev1.NamespaceStatus, condition corev1.NamespaceCondition, now metav1.Time) {
	condition.LastTransitionTime = now
	for i := range status.Conditions {
		if old := &status.Conditions[i]; old.Type == condition.Type {
			if old.Status == condition.Status {
				condition.LastTransitionTime = old.LastTransitionTime
			}
			*old = condition
			return
		}
	}
	status.Conditions = append(status.Conditions, condition)
}
