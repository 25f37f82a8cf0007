// SPDX-License-Identifier: Apache-2.0

package v1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Probe is a question that is put to the guest again and again.
type Probe struct {
	Handler `json:",inline"`
	// InitialDelaySeconds is how long after its start the guest is asked first.
	// +optional
	InitialDelaySeconds *int32 `json:"initialDelaySeconds,omitempty"`
	// TimeoutSeconds is how long the answer may take; 1 by default. A command that takes longer is not ended.
	// +optional
	TimeoutSeconds *int32 `json:"timeoutSeconds,omitempty"`
	// PeriodSeconds is how often the guest is asked; 10 by default.
	// +optional
	PeriodSeconds *int32 `json:"periodSeconds,omitempty"`
	// SuccessThreshold is how many successes in a row count as one after a failure; 1 by default, and always for liveness.
	// +optional
	SuccessThreshold *int32 `json:"successThreshold,omitempty"`
	// FailureThreshold is how many failures in a row count as one; 3 by default.
	// +optional
	FailureThreshold *int32 `json:"failureThreshold,omitempty"`
}

// Handler is exactly one way to ask.
type Handler struct {
	// Exec runs a command in the guest, through its agent, which must end with 0.
	// +optional
	Exec *ExecAction `json:"exec,omitempty"`
	// GuestAgentPing wants the guest's agent to answer.
	// +optional
	GuestAgentPing *GuestAgentPing `json:"guestAgentPing,omitempty"`
	// HTTPGet wants an answer from 200 to 399.
	// +optional
	HTTPGet *HTTPGetAction `json:"httpGet,omitempty"`
	// TCPSocket wants a port to take a connection.
	// +optional
	TCPSocket *TCPSocketAction `json:"tcpSocket,omitempty"`
}

// ExecAction is a command.
type ExecAction struct {
	// Command and its arguments; there is no shell.
	// +optional
	// +listType=atomic
	Command []string `json:"command,omitzero"`
}

// GuestAgentPing has no options.
type GuestAgentPing struct{}

// HTTPGetAction is a request to the guest's first interface.
type HTTPGetAction struct {
	// +optional
	Path *string            `json:"path,omitempty"`
	Port intstr.IntOrString `json:"port"`
	// Scheme HTTP, the default, or HTTPS, whose certificate is not looked at.
	// +optional
	Scheme *corev1.URIScheme `json:"scheme,omitempty"`
	// +optional
	// +listType=atomic
	HTTPHeaders []corev1.HTTPHeader `json:"httpHeaders,omitzero"`
}

// TCPSocketAction is a connection to the guest's first interface.
type TCPSocketAction struct {
	Port intstr.IntOrString `json:"port"`
}
