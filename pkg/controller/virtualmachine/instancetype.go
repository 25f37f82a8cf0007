// SPDX-License-Identifier: Apache-2.0

package virtualmachine

import (
	"context"
	"errors"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/expand"
	instancetypev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/generated/clientset/versioned"
)

// Reasons why a machine can't be given what it refers to, as upstream names them.
const (
	reasonFindInstancetype = "FailedFindInstancetype"
	reasonFindPreference   = "FailedFindPreference"
)

// server is the instance types and preferences of the API server. They are asked for only by machines that are
// older than what they refer to, so they are not kept in a cache.
type server struct {
	client versioned.Interface
}

// Instancetype implements expand.Source.
func (s server) Instancetype(ctx context.Context, kind, namespace, name string) (*instancetypev1.VirtualMachineInstancetypeSpec, error) {
	client := s.client.InstancetypeV1beta1()
	if kind == kubevirtv1.KindInstancetype {
		found, err := client.VirtualMachineInstancetypes(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		return &found.Spec, nil
	}
	found, err := client.VirtualMachineClusterInstancetypes().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	return &found.Spec, nil
}

// Preference implements expand.Source.
func (s server) Preference(ctx context.Context, kind, namespace, name string) (*instancetypev1.VirtualMachinePreferenceSpec, error) {
	client := s.client.InstancetypeV1beta1()
	if kind == kubevirtv1.KindPreference {
		found, err := client.VirtualMachinePreferences(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		return &found.Spec, nil
	}
	found, err := client.VirtualMachineClusterPreferences().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	return &found.Spec, nil
}

// expand finds out what the machine's instances are made from. That it can't be is for whoever needs it to tell:
// a machine can be stopped without.
func (c *Controller) expand(ctx context.Context, o *observation) {
	machine := o.machine
	if !expand.Pinned(machine) {
		pinned := *machine
		if err := expand.Pin(ctx, server{c.client}, &pinned); err != nil {
			o.unexpanded = missing(err)
		}
		machine = &pinned
	}
	o.expanded = machine
	if o.unexpanded != nil {
		return
	}
	expanded, errs := expand.Machine(machine)
	if len(errs) > 0 {
		o.unexpanded = &failure{reasonFailedCreate, apierrors.NewInvalid(
			kubevirtv1.SchemeGroupVersion.WithKind("VirtualMachine").GroupKind(), machine.Name, errs)}
		return
	}
	o.expanded = expanded
}

func missing(err error) *failure {
	reason := reasonFindInstancetype
	var missing *expand.Missing
	if errors.As(err, &missing) && strings.HasSuffix(missing.Kind, "Preference") {
		reason = reasonFindPreference
	}
	return &failure{reason, err}
}

// annotateInstancetype names what the machine refers to, as upstream does.
func annotateInstancetype(annotations map[string]string, machine *kubevirtv1.VirtualMachine) {
	for _, ref := range []*kubevirtv1.InstancetypeStatusRef{machine.Status.InstancetypeRef, machine.Status.PreferenceRef} {
		if ref == nil || ref.Name == "" {
			continue
		}
		annotations[map[string]string{
			kubevirtv1.KindInstancetype:        kubevirtv1.InstancetypeAnnotation,
			kubevirtv1.KindClusterInstancetype: kubevirtv1.ClusterInstancetypeAnnotation,
			kubevirtv1.KindPreference:          kubevirtv1.PreferenceAnnotation,
			kubevirtv1.KindClusterPreference:   kubevirtv1.ClusterPreferenceAnnotation,
		}[ref.Kind]] = ref.Name
	}
}
