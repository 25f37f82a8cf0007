// SPDX-License-Identifier: Apache-2.0

package v1

import "k8s.io/utils/ptr"

// DiskTuning is how a disk does its work, whatever device it is.
type DiskTuning struct {
	// IO is native or threads. Where it is absent, it is native for the cache none, and threads otherwise.
	// +optional
	IO *DriverIO `json:"io,omitempty"`
	// ErrorPolicy is what an error of the disk does: stop pauses the guest, and is what happens where it is
	// absent; report tells the guest; ignore goes on; enospace pauses for a full disk and reports all else.
	// +optional
	ErrorPolicy *DiskErrorPolicy `json:"errorPolicy,omitempty"`
	// DedicatedIOThread gives a virtio disk a thread that no other disk has.
	// +optional
	DedicatedIOThread *bool `json:"dedicatedIOThread,omitempty"`
	// Shareable lets several guests write to the disk at the same time, where they can: with a file system that is made
	// for it. The claim behind it has to allow several users.
	// +optional
	Shareable *bool `json:"shareable,omitempty"`
	// BlockSize is what the guest sees; 512 bytes where it is absent.
	// +optional
	BlockSize *BlockSize `json:"blockSize,omitempty"`
}

// DriverIO is how QEMU reads and writes a disk.
type DriverIO string

// The ways to read and write.
const (
	IONative  DriverIO = "native"
	IOThreads DriverIO = "threads"
)

// DiskErrorPolicy is what an error of a disk does.
type DiskErrorPolicy string

// The policies for errors.
const (
	DiskErrorPolicyStop     DiskErrorPolicy = "stop"
	DiskErrorPolicyIgnore   DiskErrorPolicy = "ignore"
	DiskErrorPolicyReport   DiskErrorPolicy = "report"
	DiskErrorPolicyEnospace DiskErrorPolicy = "enospace"
)

// BlockSize of a disk.
type BlockSize struct {
	// +optional
	Custom *CustomBlockSize `json:"custom,omitempty"`
	// MatchVolume has the blocks be as large as those of the file system that the volume is on. On sata the logical
	// ones stay at 512 bytes.
	// +optional
	MatchVolume *FeatureState `json:"matchVolume,omitempty"`
}

// MatchesVolume says whether the blocks are to be as large as the volume's.
func (b *BlockSize) MatchesVolume() bool {
	return b != nil && b.MatchVolume != nil && ptr.Deref(b.MatchVolume.Enabled, true)
}

// CustomBlockSize in bytes: powers of two from 512 to 2097152, the logical one no more than the physical one.
type CustomBlockSize struct {
	Logical  *uint `json:"logical,omitempty"`
	Physical *uint `json:"physical,omitempty"`
}
