// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

const (
	// maxFilePath of a file in an image, and of one of the host.
	maxFilePath = 255
	maxHostPath = 1023
)

// volumeLabels are those that every file system of a CD-ROM takes.
var volumeLabels = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,16}$`)

// The functions below say whether the volume has the source that they look at, and what is wrong with it.

func validateEphemeral(source *kubevirtv1.VolumeSource, path *field.Path) (bool, field.ErrorList) {
	if source.Ephemeral == nil {
		return false, nil
	}
	path = path.Child("ephemeral", "persistentVolumeClaim")
	if source.Ephemeral.PersistentVolumeClaim == nil {
		return true, field.ErrorList{field.Required(path, "must name a claim")}
	}
	return true, validateReference(source.Ephemeral.PersistentVolumeClaim.ClaimName, path.Child("claimName"))
}

func validateHostDisk(source *kubevirtv1.VolumeSource, at *field.Path) (bool, field.ErrorList) {
	disk := source.HostDisk
	if disk == nil {
		return false, nil
	}
	at = at.Child("hostDisk")
	var errs field.ErrorList
	switch {
	case disk.Path == "":
		errs = append(errs, field.Required(at.Child("path"), "is required for hostDisk volume"))
	case len(disk.Path) > maxHostPath:
		errs = append(errs, field.TooLong(at.Child("path"), "", maxHostPath))
	case !path.IsAbs(disk.Path) || path.Clean(disk.Path) != disk.Path || strings.ContainsFunc(disk.Path, isControl):
		errs = append(errs, field.Invalid(at.Child("path"), disk.Path, "must be a clean absolute path of a file"))
	}
	errs = append(errs, oneOf(at.Child("type"), disk.Type,
		[]kubevirtv1.HostDiskType{kubevirtv1.HostDiskExists, kubevirtv1.HostDiskExistsOrCreate})...)
	switch capacity := ptr.Deref(disk.Capacity, verbatim.Quantity{}); {
	case disk.Type == kubevirtv1.HostDiskExists && !capacity.IsZero():
		errs = append(errs, field.Invalid(at.Child("capacity"), capacity.String(), "is allowed to pass only with type equal to 'DiskOrCreate'"))
	case disk.Type == kubevirtv1.HostDiskExistsOrCreate && capacity.CmpInt64(minEmptyDisk) < 0:
		errs = append(errs, field.Invalid(at.Child("capacity"), capacity.String(), "must be at least 1Mi for a disk that may have to be made"))
	}
	return true, errs
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

func validateConfigMap(source *kubevirtv1.VolumeSource, path *field.Path) (bool, field.ErrorList) {
	if source.ConfigMap == nil {
		return false, nil
	}
	path = path.Child("configMap")
	return true, append(validateReference(ptr.Deref(source.ConfigMap.Name, ""), path.Child("name")),
		validateVolumeLabel(ptr.Deref(source.ConfigMap.VolumeLabel, ""), path)...)
}

func validateSecret(source *kubevirtv1.VolumeSource, path *field.Path) (bool, field.ErrorList) {
	if source.Secret == nil {
		return false, nil
	}
	path = path.Child("secret")
	return true, append(validateReference(ptr.Deref(source.Secret.SecretName, ""), path.Child("secretName")),
		validateVolumeLabel(ptr.Deref(source.Secret.VolumeLabel, ""), path)...)
}

func validateVolumeLabel(label string, path *field.Path) field.ErrorList {
	if label == "" || volumeLabels.MatchString(label) {
		return nil
	}
	return field.ErrorList{field.Invalid(path.Child("volumeLabel"), label, "must be 1 to 16 letters, digits or _ . -, such as cidata")}
}

func validateDownwardAPI(source *kubevirtv1.VolumeSource, at *field.Path) (bool, field.ErrorList) {
	if source.DownwardAPI == nil {
		return false, nil
	}
	at = at.Child("downwardAPI")
	errs := validateVolumeLabel(ptr.Deref(source.DownwardAPI.VolumeLabel, ""), at)
	fields, at := source.DownwardAPI.Fields, at.Child("fields")
	if len(fields) > maxItems {
		return true, append(errs, field.TooMany(at, len(fields), maxItems))
	}
	seen := map[string]bool{}
	for i, file := range fields {
		at := at.Index(i)
		switch {
		case file.Path == "":
			errs = append(errs, field.Required(at.Child("path"), "must be the path of a file"))
		case len(file.Path) > maxFilePath:
			errs = append(errs, field.TooLong(at.Child("path"), "", maxFilePath))
		case path.IsAbs(file.Path) || path.Clean(file.Path) != file.Path || slices.Contains(strings.Split(file.Path, "/"), "..") || strings.ContainsFunc(file.Path, isControl):
			errs = append(errs, field.Invalid(at.Child("path"), file.Path, "must be a relative path without '..'"))
		case seen[file.Path]:
			errs = append(errs, field.Duplicate(at.Child("path"), file.Path))
		}
		seen[file.Path] = true
		if file.FieldRef == nil {
			errs = append(errs, field.Required(at.Child("fieldRef"), "must name a field of the instance"))
		} else if _, ok := kubevirtv1.ParseDownwardField(file.FieldRef.FieldPath); !ok {
			errs = append(errs, field.NotSupported(at.Child("fieldRef", "fieldPath"), file.FieldRef.FieldPath, []string{
				"metadata.name", "metadata.namespace", "metadata.uid", "metadata.labels", "metadata.annotations",
				"metadata.labels['KEY']", "metadata.annotations['KEY']",
			}))
		}
	}
	return true, errs
}

func validateSysprep(source *kubevirtv1.VolumeSource, path *field.Path) (bool, field.ErrorList) {
	sysprep := source.Sysprep
	if sysprep == nil {
		return false, nil
	}
	path = path.Child("sysprep")
	switch {
	case (sysprep.Secret != nil) == (sysprep.ConfigMap != nil):
		return true, field.ErrorList{field.Invalid(path, "", "must have exactly one of configMap and secret")}
	case sysprep.Secret != nil:
		return true, validateReference(sysprep.Secret.Name, path.Child("secret", "name"))
	}
	return true, validateReference(sysprep.ConfigMap.Name, path.Child("configMap", "name"))
}
