// SPDX-License-Identifier: Apache-2.0

package v1beta1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

// +genclient
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// DataVolume is a claim of the same name that is filled from a source.
type DataVolume struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`
	// Spec does not change once the DataVolume is made.
	Spec DataVolumeSpec `json:"spec"`
	// +optional
	Status DataVolumeStatus `json:"status,omitempty,omitzero"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// DataVolumeList is a list of DataVolumes.
type DataVolumeList struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []DataVolume `json:"items"`
}

// DataVolumeContentType says what the source holds.
type DataVolumeContentType string

// DataVolumeKubeVirt is a disk image.
const DataVolumeKubeVirt DataVolumeContentType = "kubevirt"

// DataVolumeSpec says what fills the claim and how large it is.
type DataVolumeSpec struct {
	// Source fills the claim.
	// +optional
	Source *DataVolumeSource `json:"source,omitempty"`
	// PVC is the claim's spec, used as it is. Exactly one of pvc and storage is given.
	// +optional
	PVC *verbatim.PersistentVolumeClaimSpec `json:"pvc,omitempty"`
	// Storage is the claim's spec, completed by the storage class. Exactly one of pvc and storage is given.
	// +optional
	Storage *StorageSpec `json:"storage,omitempty"`
	// ContentType is kubevirt, a disk image.
	// +optional
	ContentType *DataVolumeContentType `json:"contentType,omitempty"`
	// Preallocation takes the whole size from the node's storage at once.
	// +optional
	Preallocation *bool `json:"preallocation,omitempty"`
}

// StorageSpec is a claim's spec whose missing members the storage class completes.
type StorageSpec struct {
	// +optional
	// +listType=atomic
	AccessModes []corev1.PersistentVolumeAccessMode `json:"accessModes,omitzero"`
	// Resources.requests.storage is the size that the guest sees. The copy of a claim has, without it, the size
	// of what is copied.
	// +optional
	Resources *verbatim.VolumeResourceRequirements `json:"resources,omitempty"`
	// +optional
	StorageClassName *string `json:"storageClassName,omitempty"`
	// +optional
	VolumeMode *corev1.PersistentVolumeMode `json:"volumeMode,omitempty"`
}

// DataVolumeSource is exactly one source.
type DataVolumeSource struct {
	// HTTP fetches a disk image.
	// +optional
	HTTP *DataVolumeSourceHTTP `json:"http,omitempty"`
	// Registry fetches the disk in a container image.
	// +optional
	Registry *DataVolumeSourceRegistry `json:"registry,omitempty"`
	// PVC copies the disk of another claim, once nothing writes to it.
	// +optional
	PVC *DataVolumeSourcePVC `json:"pvc,omitempty"`
	// Blank leaves the disk empty.
	// +optional
	Blank *DataVolumeBlankImage `json:"blank,omitempty"`
}

// RegistryPullMethod is who pulls a container image.
type RegistryPullMethod string

// The ways to pull a container image. CDI has the container runtime of a node pull it for the second; here either is
// the importer's work.
const (
	RegistryPullPod  RegistryPullMethod = "pod"
	RegistryPullNode RegistryPullMethod = "node"
)

// DataVolumeSourceRegistry is the disk in a container image: the only file in its folder /disk.
type DataVolumeSourceRegistry struct {
	// URL is docker://HOST/NAME:TAG or docker://HOST/NAME@DIGEST.
	// +optional
	URL *string `json:"url,omitempty"`
	// PullMethod is pod or node, with the same result: the importer pulls the image.
	// +optional
	PullMethod *RegistryPullMethod `json:"pullMethod,omitempty"`
	// SecretRef names a Secret with accessKeyId and secretKey, used as user name and password.
	// +optional
	SecretRef *string `json:"secretRef,omitempty"`
	// CertConfigMap names a ConfigMap whose values are PEM certificates that are trusted besides the system's.
	// +optional
	CertConfigMap *string `json:"certConfigMap,omitempty"`
}

// DataVolumeSourcePVC names a claim. Whoever copies one of another namespace must be allowed to create
// datavolumes/source there.
type DataVolumeSourcePVC struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// DataVolumeBlankImage has no settings.
type DataVolumeBlankImage struct{}

// DataVolumeSourceHTTP is a disk image (raw or qcow2; plain, gz, xz or zst) at a URL.
type DataVolumeSourceHTTP struct {
	// URL is an http or https URL.
	URL string `json:"url"`
	// SecretRef names a Secret with accessKeyId and secretKey, used as user name and password.
	// +optional
	SecretRef *string `json:"secretRef,omitempty"`
	// CertConfigMap names a ConfigMap whose values are PEM certificates that are trusted besides the system's.
	// +optional
	CertConfigMap *string `json:"certConfigMap,omitempty"`
	// ExtraHeaders are "Name: value" lines that are sent with each request.
	// +optional
	// +listType=atomic
	ExtraHeaders []string `json:"extraHeaders,omitzero"`
	// SecretExtraHeaders name Secrets whose values are "Name: value" lines.
	// +optional
	// +listType=atomic
	SecretExtraHeaders []string `json:"secretExtraHeaders,omitzero"`
	// Checksum is algorithm:hex over the bytes as transferred; md5, sha1, sha256 or sha512.
	// +optional
	Checksum *string `json:"checksum,omitempty"`
	// InsecureSkipVerify accepts any certificate of the server.
	// +optional
	InsecureSkipVerify *bool `json:"insecureSkipVerify,omitempty"`
}

// DataVolumePhase is where a DataVolume is in its life.
type DataVolumePhase string

// The phases that are used; upstream knows more, for sources that are not here.
const (
	PhaseUnset           DataVolumePhase = ""
	Pending              DataVolumePhase = "Pending"
	PVCBound             DataVolumePhase = "PVCBound"
	ImportScheduled      DataVolumePhase = "ImportScheduled"
	ImportInProgress     DataVolumePhase = "ImportInProgress"
	CloneScheduled       DataVolumePhase = "CloneScheduled"
	CloneInProgress      DataVolumePhase = "CloneInProgress"
	WaitForFirstConsumer DataVolumePhase = "WaitForFirstConsumer"
	Succeeded            DataVolumePhase = "Succeeded"
	Failed               DataVolumePhase = "Failed"
	Unknown              DataVolumePhase = "Unknown"
)

// DataVolumeProgress is "N/A" or a percentage such as "42.17%".
type DataVolumeProgress string

// DataVolumeConditionType is Ready, Bound or Running.
type DataVolumeConditionType string

// The conditions of a DataVolume.
const (
	DataVolumeReady   DataVolumeConditionType = "Ready"
	DataVolumeBound   DataVolumeConditionType = "Bound"
	DataVolumeRunning DataVolumeConditionType = "Running"
)

// DataVolumeCondition is one aspect of a DataVolume's state.
type DataVolumeCondition struct {
	Type   DataVolumeConditionType `json:"type"`
	Status corev1.ConditionStatus  `json:"status"`
	// +optional
	LastTransitionTime metav1.Time `json:"lastTransitionTime,omitempty"`
	// +optional
	LastHeartbeatTime metav1.Time `json:"lastHeartbeatTime,omitempty"`
	// +optional
	Reason string `json:"reason,omitempty"`
	// +optional
	Message string `json:"message,omitempty"`
}

// DataVolumeStatus is how a DataVolume is doing.
type DataVolumeStatus struct {
	// ClaimName is the name of the claim.
	// +optional
	ClaimName string `json:"claimName,omitempty"`
	// +optional
	Phase DataVolumePhase `json:"phase,omitempty"`
	// +optional
	Progress DataVolumeProgress `json:"progress,omitempty"`
	// RestartCount is how often the transfer was begun again.
	// +optional
	RestartCount int32 `json:"restartCount,omitempty"`
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []DataVolumeCondition `json:"conditions,omitempty"`
}
