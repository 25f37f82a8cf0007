// SPDX-License-Identifier: Apache-2.0

package api

import (
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// Agent is what the launcher knows of the agent in a guest. What it holds is what the guest says; no list
// is longer than a hundred and some items, no text longer than some hundred bytes.
type Agent struct {
	// Connected: it answers.
	Connected bool `json:"connected,omitempty"`
	// OS of the guest.
	OS kubevirtv1.VirtualMachineInstanceGuestOSInfo `json:"os,omitzero"`
	// Interfaces as the guest sees them.
	Interfaces []GuestInterface `json:"interfaces,omitempty"`
}

// GuestInterface is a network interface as the guest sees it.
type GuestInterface struct {
	Name string   `json:"name"`
	MAC  string   `json:"mac,omitempty"`
	IPs  []string `json:"ips,omitempty"`
}

// FreezeRequest asks that all file systems of the guest are frozen. Where they are already, only the
// timeout counts anew.
type FreezeRequest struct {
	// TimeoutSeconds is after how long they are thawed if nobody asked for it before; 0 is DefaultFreezeSeconds.
	TimeoutSeconds int64 `json:"timeoutSeconds"`
}

const (
	// DefaultFreezeSeconds is how long file systems stay frozen where no timeout is given.
	DefaultFreezeSeconds = 5 * 60
	// MaxFreezeSeconds is the longest timeout of a freeze.
	MaxFreezeSeconds = 60 * 60
)

// ExecRequest asks that a command is run in the guest.
type ExecRequest struct {
	// Command and its arguments; there is no shell.
	Command []string `json:"command"`
	// TimeoutSeconds is how long to wait for its end. It is not ended then.
	TimeoutSeconds int64 `json:"timeoutSeconds"`
}

// MaxExecSeconds is the longest wait for a command.
const MaxExecSeconds = 60 * 60

// ExecResult is how a command in the guest ended.
type ExecResult struct {
	ExitCode int `json:"exitCode"`
	// Output is the beginning of what it wrote.
	Output string `json:"output,omitempty"`
}

// PingRequest asks whether the agent answers.
type PingRequest struct {
	// TimeoutSeconds is how long to wait for it.
	TimeoutSeconds int64 `json:"timeoutSeconds"`
}

// MaxPingSeconds is the longest wait for a ping.
const MaxPingSeconds = 60

// Credentials are those with which users can log in to the guest.
type Credentials struct {
	// Version is any text that changes with the rest. It is in the status once the guest was given them.
	Version string `json:"version"`
	// AuthorizedKeys are the SSH keys of users, who lose all others.
	AuthorizedKeys map[string][]string `json:"authorizedKeys,omitempty"`
	// Passwords of users.
	Passwords map[string][]byte `json:"passwords,omitempty"`
}
