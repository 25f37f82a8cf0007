// SPDX-License-Identifier: Apache-2.0

package v1beta1

// What is here no node of this server has yet. It is held, so that catalogues of instance types and preferences can be
// stored as they are; a machine that refers to one that asks for it is refused.

// NUMA is how the guest sees the node's memory.
type NUMA struct {
	// GuestMappingPassthrough gives the guest the node's own topology.
	// +optional
	GuestMappingPassthrough *NUMAGuestMappingPassthrough `json:"guestMappingPassthrough,omitempty"`
}

// NUMAGuestMappingPassthrough has no settings.
type NUMAGuestMappingPassthrough struct{}

// Realtime has the guest's processors run with real-time priority.
type Realtime struct {
	// Mask are the processors, such as 0-3,^1; all where it is absent.
	// +optional
	Mask *string `json:"mask,omitempty"`
}

// GPU is a device of the node, or a share of one.
type GPU struct {
	Name       string `json:"name"`
	DeviceName string `json:"deviceName"`
	// +optional
	VirtualGPUOptions *VGPUOptions `json:"virtualGPUOptions,omitempty"`
	// +optional
	Tag *string `json:"tag,omitempty"`
}

// HostDevice is a device of the node.
type HostDevice struct {
	Name       string `json:"name"`
	DeviceName string `json:"deviceName"`
	// +optional
	Tag *string `json:"tag,omitempty"`
}

// VGPUOptions are of shares of graphics processors.
type VGPUOptions struct {
	// +optional
	Display *VGPUDisplayOptions `json:"display,omitempty"`
}

// VGPUDisplayOptions say whether the guest's screen is that of the share.
type VGPUDisplayOptions struct {
	// +optional
	Enabled *bool `json:"enabled,omitempty"`
	// +optional
	RamFB *FeatureSwitch `json:"ramFB,omitempty"`
}

// FeatureSwitch is on where it is absent.
type FeatureSwitch struct {
	// +optional
	Enabled *bool `json:"enabled,omitempty"`
}

// DiskIOThreads are for the ioThreadsPolicy supplementalPool.
type DiskIOThreads struct {
	// +optional
	SupplementalPoolThreadCount *uint32 `json:"supplementalPoolThreadCount,omitempty"`
}

// LaunchSecurity keeps the guest's memory from the node.
type LaunchSecurity struct {
	// +optional
	SEV *SEV `json:"sev,omitempty"`
	// +optional
	SNP *SEVSNP `json:"snp,omitempty"`
	// +optional
	TDX *TDX `json:"tdx,omitempty"`
}

// SEV is AMD's encryption of a guest's memory.
type SEV struct {
	// +optional
	Policy *SEVPolicy `json:"policy,omitempty"`
	// +optional
	Attestation *SEVAttestation `json:"attestation,omitempty"`
	// +optional
	Session *string `json:"session,omitempty"`
	// +optional
	DHCert *string `json:"dhCert,omitempty"`
}

// SEVPolicy is what the guest may do.
type SEVPolicy struct {
	// +optional
	EncryptedState *bool `json:"encryptedState,omitempty"`
}

// SEVAttestation has no settings.
type SEVAttestation struct{}

// SEVSNP is AMD's encryption with integrity.
type SEVSNP struct {
	// +optional
	Policy *string `json:"policy,omitempty"`
}

// TDX is Intel's.
type TDX struct{}
