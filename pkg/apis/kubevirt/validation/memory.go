// SPDX-License-Identifier: Apache-2.0

package validation

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

func validateMemory(domain *kubevirtv1.DomainSpec, path *field.Path) field.ErrorList {
	errs := validateHugepages(domain.Memory, path.Child("hugepages", "pageSize"))
	guest, path := domain.Memory.Guest, path.Child("guest")
	if guest == nil {
		return append(errs, field.Required(path, "no memory requested; give domain.memory.guest, for example 1Gi"))
	}
	if guest.CmpInt64(minMemory) < 0 || guest.CmpInt64(maxMemory) > 0 {
		return append(errs, field.Invalid(path, guest.String(), "must be between 1Mi and 64Ti"))
	}
	errs = append(errs, validateMaxGuest(domain.Memory, path)...)
	if limit, ok := domain.Resources.Limit(corev1.ResourceMemory); ok && guest.Cmp(limit) > 0 {
		return append(errs, field.Invalid(path, guest.String(), "must be equal to or less than the memory limit, "+limit.String()))
	}
	return errs
}

// validateMaxGuest answers at the guest's size, as upstream does, whatever of the two is wrong.
func validateMaxGuest(memory *kubevirtv1.Memory, path *field.Path) field.ErrorList {
	guest, most := memory.Guest, memory.MaxGuest
	if most == nil {
		return nil
	}
	refuse := func(message string) field.ErrorList {
		return field.ErrorList{field.Invalid(path, guest.String(), message)}
	}
	switch {
	case most.CmpInt64(maxMemory) > 0:
		return refuse("maxGuest must be 64Ti at most")
	case memory.Hugepages != nil:
		return refuse("memory on huge pages can't be added while the guest runs; remove maxGuest or hugepages")
	case guest.Cmp(*most) > 0:
		return refuse("must be at most maxGuest, " + most.String())
	case guest.Value()%kubevirtv1.MemoryBlock != 0 || most.Value()%kubevirtv1.MemoryBlock != 0:
		return refuse("must, as maxGuest, be a multiple of 2Mi for memory to be added while the guest runs")
	case guest.Value() < kubevirtv1.MinPluggableGuest:
		return refuse("must be 1Gi at least for memory to be added while the guest runs; remove maxGuest, or give more")
	}
	return nil
}

// validateHugepages lets the guest's memory be a number of whole pages, of the sizes that x86 has.
func validateHugepages(memory *kubevirtv1.Memory, path *field.Path) field.ErrorList {
	pages := memory.Hugepages
	if pages == nil {
		return nil
	}
	size, err := resource.ParseQuantity(ptr.Deref(pages.PageSize, ""))
	if err != nil || size.Value() != 2<<20 && size.Value() != 1<<30 {
		return field.ErrorList{field.Invalid(path, ptr.Deref(pages.PageSize, ""), "must be 2Mi or 1Gi")}
	}
	if memory.Guest != nil && memory.Guest.Value()%size.Value() != 0 {
		return field.ErrorList{field.Invalid(path, ptr.Deref(pages.PageSize, ""), "the guest's memory, "+memory.Guest.String()+", must be a multiple of the page size")}
	}
	return nil
}
