// SPDX-License-Identifier: Apache-2.0

package v1beta1

// CreatedForDataVolumeAnnotation, on a claim, is the UID of the DataVolume that it was made for. The claim of
// a DataVolume is no disk until it is filled, even where the DataVolume itself is gone.
const CreatedForDataVolumeAnnotation = "cdi.kubevirt.io/createdForDataVolume"

// RegistryScheme is what the URL of a container image begins with.
const RegistryScheme = "docker://"

// FilesystemOverheadAnnotation, on a StorageClass, is the share of a volume that its file system takes for
// itself: a decimal number from 0 up to, but not including, 1.
const FilesystemOverheadAnnotation = "cdi.kubevirt.io/filesystemOverhead"
