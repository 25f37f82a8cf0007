// SPDX-License-Identifier: Apache-2.0

package api

import (
	"errors"
	"net/http"
)

// Reasons of an Error.
const (
	// ErrorNotFound: there is no domain of that name.
	ErrorNotFound = "NotFound"
	// ErrorConflict: another domain has the name or the UUID, or the domain is of another instance.
	ErrorConflict = "Conflict"
	// ErrorInvalid: the request can't work, whenever it is sent again.
	ErrorInvalid = "Invalid"
	// ErrorNotRunning: the domain does not run.
	ErrorNotRunning = "NotRunning"
	// ErrorLimit: a cap of the launcher is reached.
	ErrorLimit = "Limit"
	// ErrorLibvirtUnavailable: libvirt does not answer; the launcher keeps trying to reach it.
	ErrorLibvirtUnavailable = "LibvirtUnavailable"
	// ErrorUnsettled: the launcher or libvirt was stopped while it did that, and what becomes of it is not known yet; to be
	// tried again.
	ErrorUnsettled = "Unsettled"
	// ErrorStartFailed: libvirt or QEMU refused to start the domain; nothing of it is left.
	ErrorStartFailed = "StartFailed"
	// ErrorNoSCSIDevice: a volume is to be a lun, and what is behind it is no SCSI device.
	ErrorNoSCSIDevice = "NoSCSIDevice"
	// ErrorNoAgent: the guest's agent is not there, does not answer, or not what it should.
	ErrorNoAgent = "NoAgent"
	// ErrorInternal: anything else; the launcher's log says more.
	ErrorInternal = "Internal"
)

// Error is the body of each answer that is not a success.
type Error struct {
	// Reason is one of the Error constants.
	Reason string `json:"reason"`
	// Message says what is wrong and what to do.
	Message string `json:"message"`
}

func (e *Error) Error() string { return e.Message }

// Code is the HTTP status that goes with the reason.
func (e *Error) Code() int {
	switch e.Reason {
	case ErrorNotFound:
		return http.StatusNotFound
	case ErrorConflict, ErrorNotRunning:
		return http.StatusConflict
	case ErrorInvalid, ErrorNoSCSIDevice:
		return http.StatusUnprocessableEntity
	case ErrorLimit:
		return http.StatusTooManyRequests
	case ErrorLibvirtUnavailable, ErrorUnsettled:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// ReasonFor is the reason of the Error within err, or "" where there is none, as when the launcher could not be reached.
func ReasonFor(err error) string {
	var e *Error
	if !errors.As(err, &e) {
		return ""
	}
	return e.Reason
}
