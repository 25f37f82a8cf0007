// SPDX-License-Identifier: Apache-2.0

package failure

// Reasons about the request itself.
const (
	// InvalidRequest: a field of the request cannot be used; the message names it.
	InvalidRequest = "InvalidRequest"
)

// Reasons about reaching the source.
const (
	ConnectionFailed  = "ConnectionFailed"
	TLSFailure        = "TLSFailure"
	TooManyRedirects  = "TooManyRedirects"
	RedirectRefused   = "RedirectRefused"
	NotFound          = "NotFound"
	Unauthorized      = "Unauthorized"
	ServerError       = "ServerError"
	UnexpectedStatus  = "UnexpectedStatus"
	AddressRefused    = "AddressRefused"
	UnsupportedCoding = "UnsupportedContentEncoding"
)

// Reasons about the transfer.
const (
	Truncated     = "Truncated"
	Stalled       = "Stalled"
	ChecksumError = "ChecksumError"
)

// Reasons about the image.
const (
	NotAnImage              = "NotAnImage"
	UnsupportedFormat       = "UnsupportedFormat"
	CorruptImage            = "CorruptImage"
	EncryptedImage          = "EncryptedImage"
	ImageTooLarge           = "ImageTooLarge"
	ImageTooFragmented      = "ImageTooFragmented"
	BackingFileRefused      = "BackingFileRefused"
	ExternalDataFileRefused = "ExternalDataFileRefused"
)

// Reasons about the volume and the process that fills it.
const (
	NoSpace                  = "NoSpace"
	ReadFailed               = "ReadFailed"
	WriteFailed              = "WriteFailed"
	PreallocationUnsupported = "PreallocationUnsupported"
	Aborted                  = "Aborted"
	ImporterCrashed          = "ImporterCrashed"
	ImportFailed             = "ImportFailed"
)
