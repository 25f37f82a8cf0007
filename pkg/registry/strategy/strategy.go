// SPDX-License-Identifier: Apache-2.0

// Package strategy holds what the strategies of the product's resources share: the answers that are the
// same for all of them, and the status subresource. What a resource does when it is created or updated is
// in its own package.
package strategy

import (
	"context"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/storage/names"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// Namespaced is embedded by the strategies of namespaced resources.
type Namespaced struct {
	runtime.ObjectTyper
	names.NameGenerator
}

// NewNamespaced returns a Namespaced for the kinds of typer.
func NewNamespaced(typer runtime.ObjectTyper) Namespaced {
	return Namespaced{typer, names.SimpleNameGenerator}
}

// NamespaceScoped is true.
func (Namespaced) NamespaceScoped() bool { return true }

// Canonicalize changes nothing.
func (Namespaced) Canonicalize(runtime.Object) {}

// AllowCreateOnUpdate is false: a PUT to what is not there is a 404.
func (Namespaced) AllowCreateOnUpdate(context.Context) bool { return false }

// AllowUnconditionalUpdate is true: a PUT without a resourceVersion overwrites.
func (Namespaced) AllowUnconditionalUpdate(context.Context) bool { return true }

// WarningsOnCreate has none.
func (Namespaced) WarningsOnCreate(context.Context, runtime.Object) []string { return nil }

// WarningsOnUpdate has none.
func (Namespaced) WarningsOnUpdate(context.Context, runtime.Object, runtime.Object) []string {
	return nil
}

// ResetFields returns the top-level fields that an update ignores, so that server-side apply does not make
// their appliers owners. They are the same in each version.
func ResetFields(fields []string, versions ...schema.GroupVersion) map[fieldpath.APIVersion]*fieldpath.Set {
	set := fieldpath.NewSet()
	for _, field := range fields {
		set.Insert(fieldpath.MakePathOrDie(field))
	}
	reset := make(map[fieldpath.APIVersion]*fieldpath.Set, len(versions))
	for _, gv := range versions {
		reset[fieldpath.APIVersion(gv.String())] = set
	}
	return reset
}
