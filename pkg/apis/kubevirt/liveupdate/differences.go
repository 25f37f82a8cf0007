// SPDX-License-Identifier: Apache-2.0

package liveupdate

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

// fieldsOf are the fields of a spec as a guest has them: it has what is left out as it has false, 0, "" and [].
func fieldsOf(spec *kubevirtv1.VirtualMachineInstanceSpec) map[string]any {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(spec)
	if err != nil {
		panic(fmt.Errorf("liveupdate: %w", err)) // of a type of ours: a mistake in it
	}
	prune(fields)
	return fields
}

// prune removes the fields whose value says what their absence says.
func prune(fields map[string]any) {
	for name, value := range fields {
		switch value := value.(type) {
		case nil: // a required member that is missing
			delete(fields, name)
		case map[string]any:
			prune(value)
		case []any:
			for _, element := range value {
				if members, ok := element.(map[string]any); ok {
					prune(members)
				}
			}
			if len(value) == 0 {
				delete(fields, name)
			}
		default:
			if reflect.ValueOf(value).IsZero() && !differsFromNone(name) {
				delete(fields, name)
			}
		}
	}
}

// differsFromNone says whether a field of that name means something else where it is left out than where it is false
// or 0: these are pointers upstream.
func differsFromNone(name string) bool {
	switch name {
	case "enabled", "present", "secureBoot", "logSerialConsole", "terminationGracePeriodSeconds":
		return true
	}
	return strings.HasPrefix(name, "autoattach")
}

// differences names the fields in which a and b differ, in alphabetical order. A list is one field.
func differences(path string, a, b map[string]any) []string {
	names := slices.Collect(maps.Keys(a))
	for name := range b {
		if _, both := a[name]; !both {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var fields []string
	for _, name := range names {
		if reflect.DeepEqual(a[name], b[name]) || isAmount(path+name) && sameAmount(a[name], b[name]) {
			continue
		}
		inA, okA := a[name].(map[string]any)
		inB, okB := b[name].(map[string]any)
		if okA && okB {
			fields = append(fields, differences(path+name+".", inA, inB)...)
			continue
		}
		fields = append(fields, path+name)
	}
	return fields
}

func isAmount(field string) bool {
	return strings.HasPrefix(field, "domain.memory.") || strings.HasPrefix(field, "domain.resources.")
}

// sameAmount says whether two texts are quantities such as 1Gi and 1024Mi.
func sameAmount(a, b any) bool {
	textA, okA := a.(string)
	textB, okB := b.(string)
	if !okA || !okB {
		return false
	}
	amountA, errA := verbatim.ParseQuantity(textA)
	amountB, errB := verbatim.ParseQuantity(textB)
	return errA == nil && errB == nil && amountA.Cmp(amountB) == 0
}
