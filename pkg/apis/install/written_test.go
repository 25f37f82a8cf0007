// SPDX-License-Identifier: Apache-2.0

package install_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/virt-apiserver/virt-apiserver/pkg/apis/install"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

// TestNoSpecDropsWhatAUserMayWrite looks at the fields of every spec. A field whose type can't tell a zero value
// from none would lose false, 0, "", [] or {}.
func TestNoSpecDropsWhatAUserMayWrite(t *testing.T) {
	scheme := runtime.NewScheme()
	install.Install(scheme)
	seen := map[reflect.Type]bool{}
	for _, kind := range scheme.AllKnownTypes() {
		if spec, ok := kind.FieldByName("Spec"); ok {
			walk(spec.Type, seen, func(owner reflect.Type, field reflect.StructField) {
				if drops(field) && owner != reflect.TypeFor[verbatim.ObjectMeta]() { // its names, which are names where they are not empty
					t.Errorf("%s.%s drops a zero value that was written", owner, field.Name)
				}
			})
		}
	}
}

// walk visits the fields of our own structs.
func walk(t reflect.Type, seen map[reflect.Type]bool, visit func(reflect.Type, reflect.StructField)) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		walk(t.Elem(), seen, visit)
		return
	case reflect.Struct:
	default:
		return
	}
	if seen[t] || !strings.Contains(t.PkgPath(), "/virt-apiserver/pkg/apis/") {
		return
	}
	seen[t] = true
	for i := range t.NumField() {
		visit(t, t.Field(i))
		walk(t.Field(i).Type, seen, visit)
	}
}

func drops(field reflect.StructField) bool {
	options := strings.Split(field.Tag.Get("json"), ",")[1:]
	switch field.Type.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Struct:
		return false
	case reflect.Map, reflect.Slice:
		return slices.Contains(options, "omitempty")
	default:
		return slices.Contains(options, "omitempty") || slices.Contains(options, "omitzero")
	}
}
