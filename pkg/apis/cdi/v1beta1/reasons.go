// SPDX-License-Identifier: Apache-2.0

package v1beta1

// Reasons of the condition Running. Clients switch on them, so they are upstream's, word for word, and few; what
// happened is in the message. Before anything has run the reason is empty.
const (
	// RunningReasonCreating: the transfer waits for its turn or its workload.
	RunningReasonCreating = "ContainerCreating"
	// RunningReasonSourceInUse: something writes to the claim that is to be copied.
	RunningReasonSourceInUse = "CloneSourceInUse"
	// RunningReasonRunning: the transfer runs.
	RunningReasonRunning = "Pod is running"
	// RunningReasonCompleted: the transfer is done.
	RunningReasonCompleted = "Completed"
	// RunningReasonImagePullFailed: the last attempt could not fetch its container image.
	RunningReasonImagePullFailed = "ImagePullFailed"
	// RunningReasonChecksumError: what the source sent is not what the checksum belongs to.
	RunningReasonChecksumError = "ChecksumError"
	// RunningReasonError: the last attempt failed for any other reason.
	RunningReasonError = "Error"
)

// Reasons of the condition Bound, which are upstream's too.
const (
	BoundReasonBound   = "Bound"
	BoundReasonPending = "Pending"
	BoundReasonLost    = "ClaimLost"
	// BoundReasonNotValid: the claim cannot be made as it is asked for.
	BoundReasonNotValid = "ErrClaimNotValid"
	// BoundReasonQuota: a quota refuses the claim.
	BoundReasonQuota = "ErrExceededQuota"
	// BoundReasonIncompatible: what is copied does not fit into the claim that is asked for.
	BoundReasonIncompatible = "ErrIncompatiblePVC"
	// BoundReasonNoSource: the claim that is to be copied does not exist.
	BoundReasonNoSource = "CloneWithoutSource"
	// BoundReasonSourceNotReady: the claim that is to be copied is not bound or not filled. The word is ours.
	BoundReasonSourceNotReady = "CloneSourceNotReady"
)
