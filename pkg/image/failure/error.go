// SPDX-License-Identifier: Apache-2.0

package failure

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/virt-apiserver/virt-apiserver/pkg/diskspace"
)

// maxMessage bounds a message, parts of which may come from an image or a server.
const maxMessage = 1024

// Error says why a volume could not be filled. It is what travels from the
// importer to the controller, and from there into a condition.
type Error struct {
	// Reason is a CamelCase word, one of the constants of this package.
	Reason string `json:"reason"`
	// Message says what happened and what to do about it.
	Message string `json:"message"`
	// Permanent is true when the same input will fail again.
	Permanent bool `json:"permanent"`

	cause error
}

// Error returns the message; the reason is not repeated in it.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the error given to %w when e was made, if any.
func (e *Error) Unwrap() error { return e.cause }

// Permanent returns an error that another attempt with the same input meets again.
func Permanent(reason, format string, args ...any) *Error {
	return build(reason, true, format, args)
}

// Transient returns an error that may be gone at the next attempt.
func Transient(reason, format string, args ...any) *Error {
	return build(reason, false, format, args)
}

func build(reason string, permanent bool, format string, args []any) *Error {
	formatted := fmt.Errorf(format, args...)
	return &Error{
		Reason:    reason,
		Message:   clip(formatted.Error()),
		Permanent: permanent,
		cause:     errors.Unwrap(formatted),
	}
}

func clip(message string) string {
	if len(message) <= maxMessage {
		return message
	}
	return strings.ToValidUTF8(message[:maxMessage], "") + "…"
}

// From returns the *Error in err's chain. An error that has none becomes a
// transient one: Aborted for a cancelled context, else ImportFailed.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	if typed, ok := errors.AsType[*Error](err); ok {
		return typed
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return Transient(Aborted, "the import was stopped before it ended: %w", err)
	}
	return Transient(ImportFailed, "%w", err)
}

// FromWrite explains err, which a write to the volume returned.
func FromWrite(err error) *Error {
	low, ok := errors.AsType[*diskspace.LowError](err)
	switch {
	case ok:
		return Transient(NoSpace, "no space left on the storage that holds the volume: %w, or choose another storage class", low)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return Transient(NoSpace, "no space left on the storage that holds the volume: free some, or choose another storage class (%w)", err)
	case errors.Is(err, syscall.EFBIG):
		return Permanent(NoSpace, "the storage's file system cannot hold a file of this size: request a smaller volume (%w)", err)
	}
	return Transient(WriteFailed, "write to the volume: %w", err)
}

// InTransit says whether e is about reaching the source and fetching from it, not about what was fetched.
func (e *Error) InTransit() bool {
	switch e.Reason {
	case ConnectionFailed, TLSFailure, TooManyRedirects, RedirectRefused, NotFound, Unauthorized, ServerError,
		UnexpectedStatus, AddressRefused, UnsupportedCoding, Truncated, Stalled:
		return true
	}
	return false
}
