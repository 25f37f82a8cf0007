// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"net/http"
	"net/url"

	"k8s.io/apimachinery/pkg/types"
)

const (
	// MaxCallBytes is the largest body of a call.
	MaxCallBytes = 1 << 20
	// MaxAnswerBytes is the largest answer to a call.
	MaxAnswerBytes = 32 << 20
)

// The actions of calls, with what is sent and what is answered.
const (
	// ActionPause stops the guest's processors. Pausing a paused domain succeeds.
	ActionPause = "pause"
	// ActionUnpause lets the guest's processors run. Unpausing a running domain succeeds.
	ActionUnpause = "unpause"
	// ActionReset presses the guest's reset button.
	ActionReset = "reset"
	// ActionScreenshot takes a ScreenshotRequest and answers with a Screenshot.
	ActionScreenshot = "screenshot"
	// ActionSoftReboot asks the guest to reboot: its agent where that answers, else by ACPI.
	ActionSoftReboot = "softreboot"

	// ActionGuestInfo is answered by a VirtualMachineInstanceGuestAgentInfo.
	ActionGuestInfo = "guestosinfo"
	// ActionUsers is answered by the list of VirtualMachineInstanceGuestOSUser.
	ActionUsers = "userlist"
	// ActionFileSystems is answered by the list of VirtualMachineInstanceFileSystem.
	ActionFileSystems = "filesystemlist"
	// ActionFreeze takes a FreezeRequest.
	ActionFreeze = "freeze"
	// ActionUnfreeze thaws file systems. It succeeds where they are not frozen.
	ActionUnfreeze = "unfreeze"
	// ActionPing takes a PingRequest and succeeds where the guest's agent answers.
	ActionPing = "ping"
	// ActionExec takes an ExecRequest and is answered by an ExecResult.
	ActionExec = "exec"
	// ActionCredentials takes Credentials.
	ActionCredentials = "credentials"
)

// Actions are those that the API server may call. What else the launcher does is its agent's alone.
func Actions() []string {
	return []string{
		ActionFileSystems,
		ActionFreeze,
		ActionGuestInfo,
		ActionPause,
		ActionReset,
		ActionScreenshot,
		ActionSoftReboot,
		ActionUnfreeze,
		ActionUnpause,
		ActionUsers,
	}
}

// ScreenshotRequest asks for a picture of the first screen.
type ScreenshotRequest struct {
	// MoveCursor wakes a screen that sleeps, by a movement of the pointer.
	MoveCursor bool `json:"moveCursor,omitempty"`
}

// Screenshot is a picture of a screen.
type Screenshot struct {
	PNG []byte `json:"png"`
}

// Target is a domain: that of a name, and where UID is not empty that of no other instance than this.
type Target struct {
	Namespace, Name string
	UID             types.UID
}

// Call has action done with the domain. in is sent and the answer is decoded into out; either may be nil.
func (c *Client) Call(ctx context.Context, domain Target, action string, in, out any) error {
	return c.call(ctx, http.MethodPost, domain.path(url.PathEscape(action)), in, out)
}

// path is that of something about the domain.
func (t Target) path(what string) string {
	path := domainPath(t.Namespace, t.Name, what)
	if t.UID != "" {
		path += "?uid=" + url.QueryEscape(string(t.UID))
	}
	return path
}
