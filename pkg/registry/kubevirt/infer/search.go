// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/reference"
)

// errNoVolume is of a machine that infers from a volume that it does not have.
var errNoVolume = errors.New("the template has no volume of that name to infer from")

// search looks for the labels of one reference of a machine, which is at path.
type search struct {
	*Inferrer
	vm     *kubevirtv1.VirtualMachine
	path   *field.Path
	labels labels
}

// volume looks at what the volume of that name is made of.
func (s search) volume(ctx context.Context, name string) (kind, object string, err error) {
	for i := range s.vm.Spec.Template.Spec.Volumes {
		volume := &s.vm.Spec.Template.Spec.Volumes[i]
		switch {
		case volume.Name != name:
		case volume.PersistentVolumeClaim != nil:
			return s.claim(ctx, volume.PersistentVolumeClaim.ClaimName)
		case volume.DataVolume != nil:
			return s.dataVolume(ctx, volume.DataVolume.Name)
		default:
			return "", "", &nothingError{fmt.Sprintf("volume %q is neither a DataVolume nor a PersistentVolumeClaim", name)}
		}
	}
	return "", "", fmt.Errorf("%q: %w", name, errNoVolume)
}

// dataVolume looks at the machine's own DataVolume of that name, which need not exist yet, else at the one that
// exists. One that is gone has left its claim.
func (s search) dataVolume(ctx context.Context, name string) (kind, object string, err error) {
	for i := range s.vm.Spec.DataVolumeTemplates {
		if template := &s.vm.Spec.DataVolumeTemplates[i]; template.ObjectMeta.Name == name {
			return s.labelled(ctx, "the template of DataVolume", &cdiv1.DataVolume{ObjectMeta: *template.ObjectMeta.Core(), Spec: template.Spec})
		}
	}
	if err := s.mayRead(ctx, cdiv1.SchemeGroupVersion.WithResource("datavolumes"), name); err != nil {
		return "", "", err
	}
	found, err := s.dataVolumes.Get(ctx, name, &metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return s.claim(ctx, name)
	}
	if err != nil {
		return "", "", fmt.Errorf("get DataVolume %q: %w", name, err)
	}
	return s.labelled(ctx, "DataVolume", found.(*cdiv1.DataVolume))
}

// labelled looks at a DataVolume that exists or is to exist, and where it has no labels at the claim that it copies.
func (s search) labelled(ctx context.Context, title string, dv *cdiv1.DataVolume) (kind, object string, err error) {
	kind, object, err = s.labels.in(fmt.Sprintf("%s %q", title, dv.Name), &dv.ObjectMeta)
	if err == nil || dv.Spec.Source == nil || dv.Spec.Source.PVC == nil {
		return kind, object, err
	}
	return s.claim(genericapirequest.WithNamespace(ctx, dv.Spec.Source.PVC.Namespace), dv.Spec.Source.PVC.Name)
}

// claim looks at the claim of that name in the namespace that ctx has.
func (s search) claim(ctx context.Context, name string) (kind, object string, err error) {
	if err := s.mayRead(ctx, corev1.SchemeGroupVersion.WithResource("persistentvolumeclaims"), name); err != nil {
		return "", "", err
	}
	claim, err := s.claims.PersistentVolumeClaims(genericapirequest.NamespaceValue(ctx)).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return "", "", fmt.Errorf("get PersistentVolumeClaim %q: %w", name, err)
	}
	return s.labels.in(fmt.Sprintf("PersistentVolumeClaim %q", name), &claim.ObjectMeta)
}

// mayRead is asked before anything is read: the answer shows the labels, and whether the object exists.
func (s search) mayRead(ctx context.Context, resource schema.GroupVersionResource, name string) error {
	return s.authorizer.Check(ctx, kubevirtv1.Resource("virtualmachines"), s.vm, []reference.Reference{{
		Path: s.path, Verb: "get", Resource: resource, Name: name,
	}})
}
