// SPDX-License-Identifier: Apache-2.0

package v1beta1

import (
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// CreatedForDataVolumeAnnotation, on a claim, is the UID of the DataVolume that it was made for. The claim of
// a DataVolume is no disk until it is filled, even where the DataVolume itself is gone.
const CreatedForDataVolumeAnnotation = "cdi.kubevirt.io/createdForDataVolume"

// RegistryScheme is what the URL of a container image begins with.
const RegistryScheme = "docker://"

// FilesystemOverheadAnnotation, on a StorageClass, is the share of a volume that its file system takes for
// itself: a decimal number from 0 up to, but not including, 1.
const FilesystemOverheadAnnotation = "cdi.kubevirt.io/filesystemOverhead"

// The annotations that say that a claim needs no filling.
const (
	// AllowClaimAdoptionAnnotation, on a DataVolume, has it take a claim of its name that exists, where it is true.
	AllowClaimAdoptionAnnotation = "cdi.kubevirt.io/allowClaimAdoption"
	// PopulatedForAnnotation, on a claim, is the name of the DataVolume that it was filled for.
	PopulatedForAnnotation = "cdi.kubevirt.io/storage.populatedFor"
	// PrePopulatedAnnotation, on a DataVolume, says that somebody else makes its claim, as who restores a backup does.
	PrePopulatedAnnotation = "cdi.kubevirt.io/storage.prePopulated"
)

// ImmediateBindingAnnotation, on a DataVolume, has it filled without waiting for somebody to use its claim.
const ImmediateBindingAnnotation = "cdi.kubevirt.io/storage.bind.immediate.requested"

// AdoptsClaim says whether an object with such metadata, a DataVolume or a template of one, takes a claim of its name.
func AdoptsClaim(object metav1.Object) bool {
	adopts, err := strconv.ParseBool(object.GetAnnotations()[AllowClaimAdoptionAnnotation])
	return err == nil && adopts
}

// PodPhaseAnnotation, on a claim, is how far CDI has come with filling it.
const PodPhaseAnnotation = "cdi.kubevirt.io/storage.pod.phase"

// FillingAnnotations are those by which CDI fills a claim that no DataVolume has made.
func FillingAnnotations() []string {
	return []string{
		"cdi.kubevirt.io/storage.import.source", "cdi.kubevirt.io/storage.import.endpoint",
		"cdi.kubevirt.io/storage.upload.target", "k8s.io/CloneRequest",
	}
}
