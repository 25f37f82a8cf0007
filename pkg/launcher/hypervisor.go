// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"errors"
	"io"
	"net"
	"os"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/domain"
)

// Errors that a Hypervisor wraps.
var (
	// ErrUnavailable: the hypervisor does not answer. Whether it did what was asked is not known.
	ErrUnavailable = errors.New("libvirt does not answer")
	// ErrNoDomain: there is no such domain.
	ErrNoDomain = errors.New("no such domain")
	// ErrNotRunning: the domain is not in a state in which that can be done.
	ErrNotRunning = errors.New("the domain does not run")
	// ErrUnsupported: the domain can't be had on this node, however often it is tried.
	ErrUnsupported = errors.New("not supported on this node")
	// ErrNoAgent: the guest's agent does not answer, or not in time.
	ErrNoAgent = errors.New("the guest agent does not answer")
	// ErrAgentBusy: the agent was not asked, for others ask it, or too many others. It says nothing of the guest.
	ErrAgentBusy = errors.New("the guest agent is busy")
)

// Hypervisor has domains. Those without the mark of this launcher are not there for any method but Find. It is safe for concurrent use; where it is not connected, every method but Connection
// returns ErrUnavailable at once.
type Hypervisor interface {
	// Connection says how the connection is doing.
	Connection() Connection
	// List returns every domain.
	List() ([]Domain, error)
	// Find returns the domains, whosever they are, that have the name or the UUID.
	Find(name, uuid string) ([]Domain, error)
	// Power says how a domain is doing; PowerGone where there is none.
	Power(ref Ref) (Power, error)
	// Describe returns the XML of a domain, as it is now where it is active.
	Describe(ref Ref) (string, error)
	// Define makes a domain, or replaces one that has both the same name and the same UUID.
	Define(xml string) error
	// Start does one of the actions that start a domain, with the files that its XML has names for, open. It returns
	// once it is done.
	Start(ref Ref, action Action, files map[string]*os.File) error
	// Do has another of the actions done. It returns once it is done.
	Do(ref Ref, action Action) error
	// SetVCPUs has an active domain get more processors.
	SetVCPUs(ref Ref, count uint) error
	// UpdateDevice changes a device of an active domain to what the XML says.
	UpdateDevice(ref Ref, xml string) error
	// AttachDevice adds the device of the XML to an active domain, with the files that it has names for, open.
	AttachDevice(ref Ref, xml string, files map[string]*os.File) error
	// DetachDevice asks an active domain to give the device of that alias up. It does not wait for the guest.
	DetachDevice(ref Ref, alias string) error
	// CloseLeft closes what is still open of devices that an active domain has given up. Nothing is added to the
	// domain meanwhile.
	CloseLeft(ref Ref) error
	// ForgetTPM removes what a trusted platform module has stored for domains of the UUID, of which there is none.
	ForgetTPM(uuid string) error
	// OpenScreen connects to the screen of a domain.
	OpenScreen(ref Ref) (net.Conn, error)
	// Screenshot has read take a picture of the domain's first screen, of the type mime.
	Screenshot(ref Ref, read func(mime string, picture io.Reader) error) error
	// AgentOpen says whether something in the guest listens where its agent does.
	AgentOpen(ref Ref) (bool, error)
	// AskAgent passes a command to the guest's agent and returns its answer, which may be anything.
	AskAgent(ref Ref, command string, timeout time.Duration) (string, error)
}

// Ref names the domain of an instance. A domain with the UUID that is another instance's is not meant.
type Ref struct {
	UUID string
	UID  types.UID
}

// Connection to a hypervisor.
type Connection struct {
	Up bool
	// Version of the hypervisor, such as 9.0.0.
	Version string
	// Message says what to do where the connection is not up.
	Message string
}

// Domain is one that a hypervisor has.
type Domain struct {
	UUID string
	Name string
	// Identity is the mark of the launcher that made the domain; nil where no launcher did.
	Identity *domain.Identity
}

// Power is how a domain is doing.
type Power string

// How a domain can be doing.
const (
	// PowerGone: there is no such domain.
	PowerGone Power = "Gone"
	// PowerOff: the domain is defined; if it ran, how it ended is not known.
	PowerOff Power = "Off"
	// PowerNotStarted: the domain is defined; the last try to start it failed.
	PowerNotStarted Power = "NotStarted"

	// PowerBeginning: its process is being set up, which may still fail.
	PowerBeginning Power = "Beginning"

	PowerRunning Power = "Running"
	// PowerPaused: somebody paused it.
	PowerPaused Power = "Paused"
	// PowerPausedIOError: it was paused because a disk failed.
	PowerPausedIOError Power = "PausedIOError"
	// PowerEnding: the guest is off, its process still ends.
	PowerEnding Power = "Ending"
	// PowerCrashed: the guest told of a panic; its process is still there.
	PowerCrashed Power = "Crashed"

	// PowerShutDown: ended by the guest.
	PowerShutDown Power = "ShutDown"
	// PowerDestroyed: ended through the hypervisor.
	PowerDestroyed Power = "Destroyed"
	// PowerDied: the process ended by itself or was killed.
	PowerDied Power = "Died"
)

// Active says whether the domain has a process.
func (p Power) Active() bool {
	switch p {
	case PowerBeginning, PowerRunning, PowerPaused, PowerPausedIOError, PowerEnding, PowerCrashed:
		return true
	}
	return false
}

// Action is what can be done with a domain.
type Action string

// What can be done with a domain.
const (
	ActionStart       Action = "start"
	ActionStartPaused Action = "start paused"
	ActionPowerButton Action = "press the power button of"
	ActionReset       Action = "reset"
	// ActionSoftReboot asks the guest's agent where there is one that answers, else presses a button.
	ActionSoftReboot Action = "reboot"
	ActionPause      Action = "pause"
	ActionUnpause    Action = "unpause"
	ActionDestroy    Action = "destroy"
	// ActionUndefine forgets a domain that is not active. Its firmware's variables stay.
	ActionUndefine Action = "undefine"
)
