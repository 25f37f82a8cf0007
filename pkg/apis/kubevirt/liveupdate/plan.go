// SPDX-License-Identifier: Apache-2.0

package liveupdate

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"k8s.io/apimachinery/pkg/runtime"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

// rule is a field, or some that change together. It gives next, which is the spec of running at first, what of
// wanted the guest can take while it runs. What it does not take waits for a restart.
type rule func(next, wanted *kubevirtv1.VirtualMachineInstanceSpec, running *kubevirtv1.VirtualMachineInstance)

func rules() []rule {
	return []rule{takeVolumes, takeInterfaces, takeSockets, takeMemory, takePlacement}
}

// Plan returns what the spec of a running instance is to be where wanted, which has its defaults, is asked
// for, and the fields of wanted that only a restart brings, such as domain.cpu.cores.
func Plan(running *kubevirtv1.VirtualMachineInstance, wanted *kubevirtv1.VirtualMachineInstanceSpec) (next *kubevirtv1.VirtualMachineInstanceSpec, restart []string) {
	wanted = withAddedVolumes(running, wanted)
	next = running.Spec.DeepCopy()
	for _, take := range rules() {
		take(next, wanted, running)
	}
	if verbatim.Equal(next, wanted) {
		return next, nil
	}
	return next, differences("", fieldsOf(next), fieldsOf(wanted))
}

func fieldsOf(spec *kubevirtv1.VirtualMachineInstanceSpec) map[string]any {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(spec)
	if err != nil {
		panic(fmt.Errorf("liveupdate: %w", err)) // of a type of ours: a mistake in it
	}
	return fields
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
		if reflect.DeepEqual(a[name], b[name]) {
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
