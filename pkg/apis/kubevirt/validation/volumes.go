// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"encoding/base64"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

const (
	// maxInlineSeed is upstream's limit on user data and network data inside an object; a Secret holds more.
	maxInlineSeed = 2048
	minEmptyDisk  = 1 << 20
)

// sourceNames are the sources that a volume may have.
var sourceNames = []string{
	"dataVolume", "persistentVolumeClaim", "cloudInitNoCloud", "cloudInitConfigDrive", "containerDisk", "ephemeral", "emptyDisk",
	"hostDisk", "configMap", "secret", "downwardAPI", "sysprep",
}

func validateVolumes(volumes []kubevirtv1.Volume, path *field.Path) field.ErrorList {
	if len(volumes) > maxItems {
		return field.ErrorList{field.TooMany(path, len(volumes), maxItems)}
	}
	var errs field.ErrorList
	seen := map[string]bool{}
	seeds := 0
	for i := range volumes {
		volume, path := &volumes[i], path.Index(i)
		for _, message := range validation.IsDNS1123Label(volume.Name) {
			errs = append(errs, field.Invalid(path.Child("name"), volume.Name, message))
		}
		if seen[volume.Name] {
			errs = append(errs, field.Duplicate(path.Child("name"), volume.Name))
		}
		seen[volume.Name] = true
		if volume.CloudInitNoCloud != nil || volume.CloudInitConfigDrive != nil {
			if seeds++; seeds > 1 {
				errs = append(errs, field.Invalid(path, volume.Name, "a guest has at most one cloud-init volume"))
			}
		}
		errs = append(errs, validateVolumeSource(&volume.VolumeSource, path)...)
	}
	return errs
}

func validateVolumeSource(source *kubevirtv1.VolumeSource, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	count := 0
	if dv := source.DataVolume; dv != nil {
		count++
		errs = append(errs, validateReference(dv.Name, path.Child("dataVolume", "name"))...)
	}
	if claim := source.PersistentVolumeClaim; claim != nil {
		count++
		errs = append(errs, validateReference(claim.ClaimName, path.Child("persistentVolumeClaim", "claimName"))...)
	}
	if seed := source.CloudInitNoCloud; seed != nil {
		count++
		errs = append(errs, validateSeed(seed, path.Child("cloudInitNoCloud"))...)
	}
	if seed := source.CloudInitConfigDrive; seed != nil {
		count++
		errs = append(errs, validateSeed(seed, path.Child("cloudInitConfigDrive"))...)
	}
	if disk := source.ContainerDisk; disk != nil {
		count++
		errs = append(errs, validateContainerDisk(disk, path.Child("containerDisk"))...)
	}
	for _, validate := range []func(*kubevirtv1.VolumeSource, *field.Path) (bool, field.ErrorList){
		validateEphemeral, validateHostDisk, validateConfigMap, validateSecret, validateDownwardAPI, validateSysprep,
	} {
		given, more := validate(source, path)
		errs = append(errs, more...)
		if given {
			count++
		}
	}
	if empty := source.EmptyDisk; empty != nil {
		count++
		capacity := path.Child("emptyDisk", "capacity")
		if empty.Capacity.CmpInt64(minEmptyDisk) < 0 {
			errs = append(errs, field.Invalid(capacity, empty.Capacity.String(), "must be at least 1Mi"))
		}
	}
	if count != 1 {
		errs = append(errs, field.Invalid(path, count, "must have exactly one source type set: "+strings.Join(sourceNames, ", ")))
	}
	return errs
}

func validateReference(name string, path *field.Path) field.ErrorList {
	if name == "" {
		return field.ErrorList{field.Required(path, "must be the name of an object in the same namespace")}
	}
	var errs field.ErrorList
	for _, message := range validation.IsDNS1123Subdomain(name) {
		errs = append(errs, field.Invalid(path, name, message))
	}
	return errs
}

func validateSeed(seed *kubevirtv1.CloudInitSource, path *field.Path) field.ErrorList {
	user, errs := validateSeedData(ptr.Deref(seed.UserData, ""), ptr.Deref(seed.UserDataBase64, ""), seed.UserDataSecretRef, "userData", "userDataBase64", "secretRef", path)
	network, more := validateSeedData(ptr.Deref(seed.NetworkData, ""), ptr.Deref(seed.NetworkDataBase64, ""), seed.NetworkDataSecretRef, "networkData", "networkDataBase64", "networkDataSecretRef", path)
	errs = append(errs, more...)
	if user+network == 0 {
		errs = append(errs, field.Required(path, "must have userData or networkData, inline, base64 or by secret"))
	}
	return errs
}

// validateSeedData returns how many places of one kind of data are used, of which there is one at most.
func validateSeedData(inline, encoded string, secret *corev1.LocalObjectReference, inlineName, encodedName, secretName string, path *field.Path) (int, field.ErrorList) {
	var errs field.ErrorList
	count := 0
	if inline != "" {
		count++
		if len(inline) > maxInlineSeed {
			errs = append(errs, field.TooLong(path.Child(inlineName), "", maxInlineSeed))
		}
	}
	if encoded != "" {
		count++
		// One line is enough; what the standard's line breaks would hide is not looked at.
		if decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded)); err != nil {
			errs = append(errs, field.Invalid(path.Child(encodedName), "", "is not valid base64"))
		} else if len(decoded) > maxInlineSeed {
			errs = append(errs, field.TooLong(path.Child(encodedName), "", maxInlineSeed))
		}
	}
	if secret != nil {
		count++
		errs = append(errs, validateReference(secret.Name, path.Child(secretName, "name"))...)
	}
	if count > 1 {
		errs = append(errs, field.Invalid(path, inlineName, "must have only one of "+inlineName+", "+encodedName+" and "+secretName))
	}
	return count, errs
}
