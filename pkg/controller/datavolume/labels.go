// SPDX-License-Identifier: Apache-2.0

package datavolume

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// label gives dv and its claim the labels that go with the disk, such as the instance type that suits it: those of the
// claim that was copied, or those that the container image asks for. Labels that are there stay as they are. It
// returns dv as it is then.
func (c *Controller) label(ctx context.Context, dv *cdiv1.DataVolume, claim *corev1.PersistentVolumeClaim, ofImage map[string]string) (*cdiv1.DataVolume, error) {
	labels := ofImage
	if source := copied(dv); source != nil {
		original, err := c.claims.PersistentVolumeClaims(source.Namespace).Get(source.Name)
		if err != nil && !apierrors.IsNotFound(err) {
			return nil, fmt.Errorf("get the claim that was copied: %w", err)
		}
		labels = inherited(original)
	}
	if patch := lacking(claim.Labels, labels); patch != nil {
		_, err := c.core.CoreV1().PersistentVolumeClaims(claim.Namespace).Patch(ctx, claim.Name, types.MergePatchType, patch, metav1.PatchOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return nil, fmt.Errorf("label the claim: %w", err)
		}
	}
	patch := lacking(dv.Labels, labels)
	if patch == nil {
		return dv, nil
	}
	labelled, err := c.client.CdiV1beta1().DataVolumes(dv.Namespace).Patch(ctx, dv.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	if err != nil {
		return nil, fmt.Errorf("label the DataVolume: %w", err)
	}
	return labelled, nil
}

// inherited are the labels of a claim that its copies have too, as upstream has it: those below kubevirt.io.
func inherited(claim *corev1.PersistentVolumeClaim) map[string]string {
	if claim == nil {
		return nil
	}
	labels := map[string]string{}
	for key, value := range claim.Labels {
		domain, _, ok := strings.Cut(key, "/")
		if ok && (domain == "kubevirt.io" || strings.HasSuffix(domain, ".kubevirt.io")) {
			labels[key] = value
		}
	}
	return labels
}

// lacking is a patch that adds those of wanted of which had has none; nil where it has all.
func lacking(had, wanted map[string]string) []byte {
	added := map[string]string{}
	for key, value := range wanted {
		if _, ok := had[key]; !ok && key != kubevirtv1.CreatedByLabel { // that of another machine
			added[key] = value
		}
	}
	if len(added) == 0 {
		return nil
	}
	// A map of strings can be encoded.
	patch, _ := json.Marshal(map[string]any{"metadata": map[string]any{"labels": added}})
	return patch
}
