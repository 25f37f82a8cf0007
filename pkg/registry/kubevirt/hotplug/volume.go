// SPDX-License-Identifier: Apache-2.0

// Package hotplug changes the volumes of a spec as addvolume and removevolume ask for. It knows the options
// and the texts of their refusals, which are upstream's; whose spec it is, and what follows, is not here.
package hotplug

import (
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// CheckAdd refuses options that are not complete, and disks that no running guest takes. kind and name are
// those of the object that the volume is added to.
func CheckAdd(kind schema.GroupKind, name string, options *kubevirtv1.AddVolumeOptions) error {
	switch {
	case options.Name == "":
		return apierrors.NewBadRequest("AddVolumeOptions requires name to be set")
	case options.Disk == nil:
		return apierrors.NewBadRequest("AddVolumeOptions requires disk to not be nil")
	case options.VolumeSource == nil:
		return apierrors.NewBadRequest("AddVolumeOptions requires VolumeSource to not be nil")
	}
	disk := field.NewPath("disk")
	var errs field.ErrorList
	if options.Disk.CDRom != nil {
		errs = append(errs, field.Invalid(disk.Child("cdrom"), "", "a CD-ROM can't be added while the guest runs; use a disk"))
	}
	if target := options.Disk.Disk; target != nil && ptr.Deref(target.Bus, "") != "" && ptr.Deref(target.Bus, "") != kubevirtv1.DiskBusSCSI && ptr.Deref(target.Bus, "") != kubevirtv1.DiskBusVirtio {
		errs = append(errs, field.NotSupported(disk.Child("disk", "bus"), ptr.Deref(target.Bus, ""), []kubevirtv1.DiskBus{kubevirtv1.DiskBusSCSI, kubevirtv1.DiskBusVirtio}))
	}
	if lun := options.Disk.LUN; lun != nil {
		errs = append(errs, checkLUN(options, lun, disk)...)
	}
	if options.Disk.BootOrder != nil {
		errs = append(errs, field.Invalid(disk.Child("bootOrder"), *options.Disk.BootOrder, "a disk that is added while the guest runs can't boot it; leave bootOrder out"))
	}
	if ptr.Deref(options.Disk.DedicatedIOThread, false) {
		errs = append(errs, field.Invalid(disk.Child("dedicatedIOThread"), true, "a running guest gets no more threads; leave dedicatedIOThread out"))
	}
	if len(errs) > 0 {
		return apierrors.NewInvalid(kind, name, errs)
	}
	return nil
}

// checkLUN lets the name of the volume pass as a serial number, which virtctl gives any disk: Add leaves it out, as the
// guest sees that of the device.
func checkLUN(options *kubevirtv1.AddVolumeOptions, lun *kubevirtv1.LunTarget, disk *field.Path) field.ErrorList {
	var errs field.ErrorList
	if options.Disk.Disk != nil || options.Disk.CDRom != nil {
		errs = append(errs, field.Invalid(disk, options.Name, "can only have a single target defined: disk or lun"))
	}
	if ptr.Deref(lun.Bus, "") != "" && ptr.Deref(lun.Bus, "") != kubevirtv1.DiskBusSCSI {
		errs = append(errs, field.NotSupported(disk.Child("lun", "bus"), ptr.Deref(lun.Bus, ""), []kubevirtv1.DiskBus{kubevirtv1.DiskBusSCSI}))
	}
	if serial := ptr.Deref(options.Disk.Serial, ""); serial != "" && serial != options.Name {
		errs = append(errs, field.Invalid(disk.Child("serial"), serial, "the guest sees the serial number of the device itself; leave serial out, or use a disk"))
	}
	return errs
}

// CheckRemove refuses options that are not complete.
func CheckRemove(options *kubevirtv1.RemoveVolumeOptions) error {
	if options.Name == "" {
		return apierrors.NewBadRequest("RemoveVolumeOptions requires name to be set")
	}
	return nil
}

// Add adds the volume and its disk. The error is a conflict with what spec has.
func Add(spec *kubevirtv1.VirtualMachineInstanceSpec, options *kubevirtv1.AddVolumeOptions) error {
	volume := kubevirtv1.Volume{Name: options.Name, VolumeSource: kubevirtv1.VolumeSource{
		DataVolume:            options.VolumeSource.DataVolume.DeepCopy(),
		PersistentVolumeClaim: options.VolumeSource.PersistentVolumeClaim.DeepCopy(),
	}}
	if volume.DataVolume != nil {
		volume.DataVolume.Hotpluggable = ptr.To(true)
	}
	if volume.PersistentVolumeClaim != nil {
		volume.PersistentVolumeClaim.Hotpluggable = ptr.To(true)
	}
	claim := volume.ClaimName()
	for i := range spec.Volumes {
		if spec.Volumes[i].Name == options.Name {
			//lint:ignore ST1005 upstream's words
			return fmt.Errorf("Unable to add volume [%s] because volume with that name already exists", options.Name)
		}
		if claim != "" && spec.Volumes[i].ClaimName() == claim {
			//lint:ignore ST1005 upstream's words
			return fmt.Errorf("Unable to add volume source [%s] because it already exists", claim)
		}
	}
	disk := *options.Disk.DeepCopy()
	disk.Name = options.Name
	setTarget(&disk)
	spec.Volumes = append(spec.Volumes, volume)
	spec.Domain.Devices.Disks = append(spec.Domain.Devices.Disks, disk)
	return nil
}

func setTarget(disk *kubevirtv1.Disk) {
	if disk.LUN != nil {
		disk.LUN.Bus, disk.Serial = ptr.To(kubevirtv1.DiskBusSCSI), nil
		return
	}
	if disk.Disk == nil {
		disk.Disk = &kubevirtv1.DiskTarget{}
	}
	if ptr.Deref(disk.Disk.Bus, "") == "" {
		disk.Disk.Bus = ptr.To(kubevirtv1.DiskBusSCSI)
	}
}

// Remove removes the volume that has the name, or the claim of that name, and its disk, and returns its name. The
// error is a conflict with what spec has.
func Remove(spec *kubevirtv1.VirtualMachineInstanceSpec, options *kubevirtv1.RemoveVolumeOptions) (name string, err error) {
	i := slices.IndexFunc(spec.Volumes, func(v kubevirtv1.Volume) bool { return v.Name == options.Name || v.ClaimName() == options.Name })
	if i < 0 {
		//lint:ignore ST1005 upstream's words
		return "", fmt.Errorf("Unable to remove volume [%s] because it does not exist", options.Name)
	}
	name = spec.Volumes[i].Name
	if !spec.Volumes[i].IsHotpluggable() {
		//lint:ignore ST1005 upstream's words
		return "", fmt.Errorf("Unable to remove volume [%s] because it is not hotpluggable", name)
	}
	spec.Volumes = slices.Delete(spec.Volumes, i, i+1)
	spec.Domain.Devices.Disks = slices.DeleteFunc(spec.Domain.Devices.Disks, func(d kubevirtv1.Disk) bool { return d.Name == name })
	return name, nil
}
