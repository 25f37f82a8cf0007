// SPDX-License-Identifier: Apache-2.0

package standalone

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// bootstrapSettings makes the KubeVirt object that KubeVirt's clients look for, and leaves alone what is there.
func bootstrapSettings(ctx context.Context, c *clients) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: kubevirtv1.KubeVirtNamespace}}
	if _, err := c.core.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("make the namespace %s: %w", namespace.Name, err)
	}
	settings := &kubevirtv1.KubeVirt{ObjectMeta: metav1.ObjectMeta{Name: kubevirtv1.KubeVirtName}}
	if _, err := c.virt.KubevirtV1().KubeVirts(namespace.Name).Create(ctx, settings, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("make the KubeVirt object: %w", err)
	}
	return nil
}

// components are all that log in this process.
func components(verbosity kubevirtv1.LogVerbosity) []int32 {
	return []int32{ptr.Deref(verbosity.VirtAPI, 0), ptr.Deref(verbosity.VirtController, 0), ptr.Deref(verbosity.VirtHandler, 0)}
}
