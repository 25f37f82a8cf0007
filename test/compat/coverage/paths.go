// SPDX-License-Identifier: Apache-2.0

package coverage

import (
	"fmt"
	"reflect"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

// opaque are types that are held as a whole or not at all, with the name of what they are in JSON.
var opaque = map[reflect.Type]string{
	reflect.TypeFor[corev1.Affinity]():                 "affinity",
	reflect.TypeFor[corev1.TopologySpreadConstraint](): "topology spread constraint",
	reflect.TypeFor[intstr.IntOrString]():              "integer or string",
	reflect.TypeFor[metav1.Duration]():                 "duration",
	reflect.TypeFor[metav1.LabelSelector]():            "label selector",
	reflect.TypeFor[metav1.ObjectMeta]():               "metadata",
	reflect.TypeFor[verbatim.ObjectMeta]():             "metadata",
	reflect.TypeFor[metav1.Time]():                     "time",
	reflect.TypeFor[resource.Quantity]():               "quantity",
	reflect.TypeFor[verbatim.Quantity]():               "quantity",
	reflect.TypeFor[runtime.RawExtension]():            "any object",
}

// paths gives each path of a type, with what is found there in JSON.
func paths(of reflect.Type) map[string]string {
	found := map[string]string{}
	walk(of, "", nil, found)
	return found
}

func walk(of reflect.Type, path string, above []reflect.Type, found map[string]string) {
	if name, ok := opaque[of]; ok {
		found[path] = name
		return
	}
	switch of.Kind() {
	case reflect.Pointer:
		walk(of.Elem(), path, above, found)
	case reflect.Slice, reflect.Array:
		if of.Elem().Kind() == reflect.Uint8 {
			found[path] = "string"
			return
		}
		found[path] = "list"
		walk(of.Elem(), path+"[]", above, found)
	case reflect.Map:
		found[path] = "map"
		walk(of.Elem(), path+"{}", above, found)
	case reflect.Struct:
		walkStruct(of, path, above, found)
	default:
		found[path] = scalar(of)
	}
}

func walkStruct(of reflect.Type, path string, above []reflect.Type, found map[string]string) {
	for _, seen := range above {
		if seen == of {
			return // it holds itself
		}
	}
	above = append(above[:len(above):len(above)], of)
	if path != "" {
		found[path] = "object"
	}
	for i := range of.NumField() {
		field := of.Field(i)
		name, inline := jsonName(field)
		switch {
		case name == "-" || field.Type == reflect.TypeFor[metav1.TypeMeta]():
		case inline:
			inner := map[string]string{}
			walk(deref(field.Type), path, above, inner)
			for path, kind := range inner {
				found[path] = kind
			}
		default:
			walk(field.Type, strings.TrimPrefix(path+"."+name, "."), above, found)
		}
	}
}

func deref(of reflect.Type) reflect.Type {
	if of.Kind() == reflect.Pointer {
		return of.Elem()
	}
	return of
}

// jsonName gives the name of a field, and whether its members are its parent's.
func jsonName(field reflect.StructField) (name string, inline bool) {
	if !field.IsExported() {
		return "-", false
	}
	name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
	if name == "" {
		return field.Name, field.Anonymous || strings.Contains(options, "inline")
	}
	return name, false
}

func scalar(of reflect.Type) string {
	switch of.Kind() {
	case reflect.Bool:
		return "boolean"
	case reflect.String:
		return "string"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "integer"
	case reflect.Float32, reflect.Float64:
		return "number"
	default:
		return fmt.Sprintf("%s, which has no form in JSON", of)
	}
}
