// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/utils/ptr"

	"github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/expand"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/reference"
)

// Inferrer looks at the objects that machines' volumes are made of.
type Inferrer struct {
	dataVolumes rest.Getter
	claims      corev1client.PersistentVolumeClaimsGetter
	authorizer  *reference.Authorizer
}

// New returns an Inferrer that reads these with the server's own rights, once authorizer says that the caller may.
func New(dataVolumes rest.Getter, claims corev1client.PersistentVolumeClaimsGetter, authorizer *reference.Authorizer) *Inferrer {
	return &Inferrer{dataVolumes: dataVolumes, claims: claims, authorizer: authorizer}
}

// Infer has vm's status hold what its volumes name, where its spec says so and the status does not hold it yet. ctx
// has the namespace and the user of the request. A volume that names nothing is a 400, unless the spec ignores that;
// one that the user may not read is a 403.
func (i *Inferrer) Infer(ctx context.Context, vm *kubevirtv1.VirtualMachine) error {
	for _, r := range expand.References(vm) {
		if !r.Undecided() {
			continue
		}
		s := search{Inferrer: i, vm: vm, path: r.Field.Child("inferFromVolume"), labels: labelsOf(&r)}
		kind, name, err := s.volume(ctx, r.Volume)
		var nothing *nothingError
		if errors.As(err, &nothing) && r.Ignores() {
			kind, name, err = "", "", nil
		}
		if err != nil {
			return refusal(s.path, err)
		}
		r.Decide(kind, name)
	}
	return nil
}

// labels are those that name one kind of thing.
type labels struct {
	name, kind string
	// resolve returns the kind that is meant by the text, or "".
	resolve func(kind string) string
}

func labelsOf(r *expand.Reference) labels {
	if r.Preference {
		return labels{kubevirtv1.DefaultPreferenceLabel, kubevirtv1.DefaultPreferenceKindLabel, func(kind string) string {
			return (&kubevirtv1.PreferenceMatcher{Kind: ptr.To(kind)}).ResolvedKind()
		}}
	}
	return labels{kubevirtv1.DefaultInstancetypeLabel, kubevirtv1.DefaultInstancetypeKindLabel, func(kind string) string {
		return (&kubevirtv1.InstancetypeMatcher{Kind: ptr.To(kind)}).ResolvedKind()
	}}
}

// in returns what is named by the labels of an object.
func (l labels) in(object string, meta *metav1.ObjectMeta) (kind, name string, err error) {
	name = meta.Labels[l.name]
	if name == "" {
		return "", "", &nothingError{fmt.Sprintf("%s has no label %s", object, l.name)}
	}
	if messages := validation.IsDNS1123Subdomain(name); len(messages) > 0 {
		return "", "", &nothingError{fmt.Sprintf("%s has the label %s=%s, which is no name: %s", object, l.name, name, messages[0])}
	}
	kind = l.resolve(meta.Labels[l.kind])
	if kind == "" {
		return "", "", &nothingError{fmt.Sprintf("%s has the label %s=%s, which is no such kind", object, l.kind, meta.Labels[l.kind])}
	}
	return kind, name, nil
}

// nothingError is of a volume that names nothing, which a machine can ignore.
type nothingError struct{ message string }

func (e *nothingError) Error() string { return e.message }

// refusal has upstream's code.
func refusal(path *field.Path, err error) error {
	if apierrors.IsForbidden(err) {
		return err
	}
	message, kind := err.Error(), metav1.CauseTypeFieldValueInvalid
	var nothing *nothingError
	switch {
	case errors.As(err, &nothing):
		message += ": label it, name what the machine has instead, or set inferFromVolumeFailurePolicy to Ignore"
	case apierrors.IsNotFound(err):
		kind = metav1.CauseTypeFieldValueNotFound
	case !errors.Is(err, errNoVolume):
		return apierrors.NewInternalError(fmt.Errorf("%s: %w", path, err))
	}
	bad := apierrors.NewBadRequest(fmt.Sprintf("%s: %s", path, message))
	bad.ErrStatus.Details = &metav1.StatusDetails{Causes: []metav1.StatusCause{{Type: kind, Message: message, Field: path.String()}}}
	return bad
}
