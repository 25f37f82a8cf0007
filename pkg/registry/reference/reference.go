// SPDX-License-Identifier: Apache-2.0

// Package reference answers whether the caller of a request may use the objects that what they write refers
// to. The controllers later read those objects with rights of their own; without this check, whoever may
// write a machine could read any Secret of the namespace through it.
package reference

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
)

// maxObjects is how many objects one may refer to: each costs a question. No object that is valid has more.
const maxObjects = 1024

// Reference is one object that another refers to.
type Reference struct {
	// Path is the field that refers to it.
	Path *field.Path
	// Verb is what the caller must be allowed to do with it.
	Verb     string
	Resource schema.GroupVersionResource
	// Subresource, if set, is what the caller needs of it.
	Subresource string
	Name        string
	// Namespace is that of the object, where it is not in that of the referrer.
	Namespace string
	// ClusterScoped is for objects that are in no namespace.
	ClusterScoped bool
	// Destination is where the object, or what it opens, goes to; "" for the guest.
	Destination string
}

// To returns the reference of an object that goes to the place that all of parts describe.
func (r Reference) To(parts ...string) Reference {
	r.Destination = strings.Join(parts, "\n")
	return r
}

// Secret returns a reference to a Secret, whose reader the caller must be.
func Secret(path *field.Path, name string) Reference {
	return core(path, "secrets", name)
}

// ConfigMap returns a reference to a ConfigMap, whose reader the caller must be.
func ConfigMap(path *field.Path, name string) Reference {
	return core(path, "configmaps", name)
}

// Claim returns a reference to a PersistentVolumeClaim, whose reader the caller must be.
func Claim(path *field.Path, name string) Reference {
	return core(path, "persistentvolumeclaims", name)
}

// CloneSource returns a reference to a claim of another namespace that is copied. As upstream has it, the
// caller must be allowed to create datavolumes/source there.
func CloneSource(path *field.Path, namespace, name string) Reference {
	return Reference{
		Path: path, Verb: "create", Namespace: namespace, Name: name, Subresource: "source",
		Resource: cdiv1.SchemeGroupVersion.WithResource("datavolumes"),
	}
}

func core(path *field.Path, resource, name string) Reference {
	return Reference{Path: path, Verb: "get", Resource: schema.GroupVersionResource{Version: "v1", Resource: resource}, Name: name}
}

// Repository is the place that a container image comes from, whichever of its tags it is.
func Repository(image string) string {
	image, _, _ = strings.Cut(image, "@")
	folder := strings.LastIndex(image, "/") + 1
	name, _, _ := strings.Cut(image[folder:], ":")
	return image[:folder] + name
}

// Authorizer checks references.
type Authorizer struct {
	authorizer authorizer.Authorizer
}

// NewAuthorizer returns an Authorizer that asks authorizer.
func NewAuthorizer(authorizer authorizer.Authorizer) *Authorizer {
	return &Authorizer{authorizer: authorizer}
}

// added returns the references that old does not have.
func added(references, old []Reference) []Reference {
	known := make(map[use]bool, len(old))
	for _, r := range old {
		known[r.use()] = true
	}
	var fresh []Reference
	for _, r := range references {
		if !known[r.use()] {
			fresh = append(fresh, r)
		}
	}
	return fresh
}

// use is what a caller was allowed who wrote a reference: an object for one purpose and one destination. Whoever
// turns the object to another use must be allowed to use it themselves.
type use struct {
	object  Reference
	purpose string
}

var indexes = regexp.MustCompile(`\[[^\]]*\]`)

// use goes by the field, as each has its own purpose, but not by the place in a list.
func (r Reference) use() use {
	purpose := indexes.ReplaceAllString(r.Path.String(), "")
	r.Path = nil
	return use{object: r, purpose: purpose}
}

// object is the same for all references to an object.
func (r Reference) object() Reference {
	r.Path, r.Destination = nil, ""
	return r
}

func (r Reference) resource() string {
	if r.Subresource == "" {
		return r.Resource.GroupResource().String()
	}
	return r.Resource.GroupResource().String() + "/" + r.Subresource
}

// Check returns a 403 where the caller may not use one of the references of obj, which is of resource. Each object is
// asked about once. A reference without a name is left to the validation.
func (a *Authorizer) Check(ctx context.Context, resource schema.GroupResource, obj runtime.Object, references []Reference) error {
	asked := map[Reference]bool{}
	for _, r := range references {
		if r.Name == "" || asked[r.object()] {
			continue
		}
		if len(asked) == maxObjects {
			return apierrors.NewBadRequest(fmt.Sprintf("%s: refers to more than %d objects, which is the most", r.Path, maxObjects))
		}
		asked[r.object()] = true
		if err := a.check(ctx, resource, obj, r); err != nil {
			return err
		}
	}
	return nil
}

func (a *Authorizer) check(ctx context.Context, resource schema.GroupResource, obj runtime.Object, r Reference) error {
	user, ok := genericapirequest.UserFrom(ctx)
	if !ok {
		return apierrors.NewInternalError(fmt.Errorf("authorize the references of %s: the request has no user", resource))
	}
	namespace, where := cmp.Or(r.Namespace, genericapirequest.NamespaceValue(ctx)), ""
	if r.ClusterScoped {
		namespace = ""
	} else {
		where = fmt.Sprintf(" in namespace %q", namespace)
	}
	decision, reason, err := a.authorizer.Authorize(ctx, authorizer.AttributesRecord{
		User: user, Verb: r.Verb, Namespace: namespace, Name: r.Name, ResourceRequest: true,
		APIGroup: r.Resource.Group, APIVersion: r.Resource.Version, Resource: r.Resource.Resource, Subresource: r.Subresource,
	})
	if decision == authorizer.DecisionAllow {
		return nil
	}
	if err != nil {
		return apierrors.NewInternalError(fmt.Errorf("authorize %s: %w", r.Path, err))
	}
	refusal := fmt.Errorf("%s: user %q cannot %s %s %q%s, which is needed to refer to it",
		r.Path, user.GetName(), r.Verb, r.resource(), r.Name, where)
	if reason != "" {
		refusal = fmt.Errorf("%w: %s", refusal, reason)
	}
	return apierrors.NewForbidden(resource, nameOf(obj), refusal)
}

func nameOf(obj runtime.Object) string {
	if named, ok := obj.(interface{ GetName() string }); ok {
		return named.GetName()
	}
	return ""
}
