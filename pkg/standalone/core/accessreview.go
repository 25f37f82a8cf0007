// SPDX-License-Identifier: Apache-2.0

package core

import (
	"context"

	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
)

// review is a resource that answers a question and stores nothing.
type review[T runtime.Object] struct {
	singular  string
	newObject func() T
	answer    func(ctx context.Context, who user.Info, question T) error
}

var (
	_ rest.Storage              = &review[runtime.Object]{}
	_ rest.Scoper               = &review[runtime.Object]{}
	_ rest.Creater              = &review[runtime.Object]{}
	_ rest.SingularNameProvider = &review[runtime.Object]{}
)

func (r *review[T]) New() runtime.Object { return r.newObject() }

func (r *review[T]) Destroy() {}

func (r *review[T]) NamespaceScoped() bool { return false }

func (r *review[T]) GetSingularName() string { return r.singular }

func (r *review[T]) Create(ctx context.Context, obj runtime.Object, validate rest.ValidateObjectFunc, _ *metav1.CreateOptions) (runtime.Object, error) {
	who, ok := genericapirequest.UserFrom(ctx)
	if !ok {
		return nil, apierrors.NewBadRequest("no user is present on the request")
	}
	if validate != nil {
		if err := validate(ctx, obj.DeepCopyObject()); err != nil {
			return nil, err
		}
	}
	return obj, r.answer(ctx, who, obj.(T))
}

// newAccessReview answers whether the caller may do one thing.
func newAccessReview(rights authorizer.UnconditionalAuthorizer) rest.Storage {
	return &review[*authorizationv1.SelfSubjectAccessReview]{
		singular:  "selfsubjectaccessreview",
		newObject: func() *authorizationv1.SelfSubjectAccessReview { return &authorizationv1.SelfSubjectAccessReview{} },
		answer: func(ctx context.Context, who user.Info, question *authorizationv1.SelfSubjectAccessReview) error {
			attributes, errs := attributesOf(who, &question.Spec)
			if len(errs) > 0 {
				kind := authorizationv1.SchemeGroupVersion.WithKind("SelfSubjectAccessReview").GroupKind()
				return apierrors.NewInvalid(kind, "", errs)
			}
			decision, reason, err := rights.Authorize(ctx, attributes)
			question.Status = authorizationv1.SubjectAccessReviewStatus{
				Allowed: decision == authorizer.DecisionAllow,
				Denied:  decision == authorizer.DecisionDeny,
				Reason:  reason,
			}
			if err != nil {
				question.Status.EvaluationError = err.Error()
			}
			return nil
		},
	}
}

func attributesOf(who user.Info, spec *authorizationv1.SelfSubjectAccessReviewSpec) (authorizer.Attributes, field.ErrorList) {
	path := field.NewPath("spec", "resourceAttributes")
	resource, other := spec.ResourceAttributes, spec.NonResourceAttributes
	switch {
	case resource == nil && other == nil:
		return nil, field.ErrorList{field.Invalid(path, nil, "exactly one of nonResourceAttributes or resourceAttributes must be specified")}
	case resource != nil && other != nil:
		return nil, field.ErrorList{field.Invalid(path, "", "cannot be specified in combination with nonResourceAttributes")}
	case other != nil:
		return authorizer.AttributesRecord{User: who, Verb: other.Verb, Path: other.Path}, nil
	}
	return authorizer.AttributesRecord{
		User:            who,
		ResourceRequest: true,
		Verb:            resource.Verb,
		Namespace:       resource.Namespace,
		APIGroup:        resource.Group,
		APIVersion:      resource.Version,
		Resource:        resource.Resource,
		Subresource:     resource.Subresource,
		Name:            resource.Name,
	}, nil
}
