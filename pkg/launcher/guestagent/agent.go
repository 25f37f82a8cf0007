// SPDX-License-Identifier: Apache-2.0

package guestagent

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

const (
	// maxAnswer of an agent that is decoded, in bytes.
	maxAnswer = 1 << 20
	// answerTime is what an agent has for anything that is no work.
	answerTime = 5 * time.Second
	// freezeTime is what it has to flush and stop all file systems, or to let them go.
	freezeTime = 20 * time.Second
)

// ErrGarbage is an answer that can't be what was asked for.
var ErrGarbage = errors.New("the guest agent answered nonsense")

// Executor passes a command to the agent and returns its answer. It waits no longer than timeout.
type Executor func(command string, timeout time.Duration) (answer string, err error)

// Agent is that of one guest. It keeps nothing, so that it may be used at once by many.
type Agent struct {
	execute Executor
}

// New returns the agent that execute reaches.
func New(execute Executor) *Agent { return &Agent{execute} }

type request struct {
	Execute   string `json:"execute"`
	Arguments any    `json:"arguments,omitempty"`
}

// ask sends a command and decodes what it returns into out, unless that is nil.
func (a *Agent) ask(timeout time.Duration, command string, arguments, out any) error {
	raw, err := json.Marshal(request{command, arguments})
	if err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	answer, err := a.execute(string(raw), timeout)
	if err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	if err := decode(answer, out); err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	return nil
}

// decode reads the answer to a command.
func decode(answer string, out any) error {
	if len(answer) > maxAnswer {
		return fmt.Errorf("%w: more than %d bytes", ErrGarbage, maxAnswer)
	}
	var envelope struct {
		Return json.RawMessage `json:"return"`
	}
	if err := json.Unmarshal([]byte(answer), &envelope); err != nil || envelope.Return == nil {
		return fmt.Errorf("%w: no JSON object with the member return", ErrGarbage)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(envelope.Return, out); err != nil {
		return fmt.Errorf("%w: %s", ErrGarbage, clean(err.Error(), maxText))
	}
	return nil
}

// Ping returns once the agent has answered.
func (a *Agent) Ping(timeout time.Duration) error {
	return a.ask(timeout, "guest-ping", nil, nil)
}

// Frozen says whether file systems are frozen.
func (a *Agent) Frozen() (bool, error) {
	var status text
	if err := a.ask(answerTime, "guest-fsfreeze-status", nil, &status); err != nil {
		return false, err
	}
	switch status {
	case "frozen":
		return true, nil
	case "thawed":
		return false, nil
	}
	return false, fmt.Errorf("guest-fsfreeze-status: %w: %q", ErrGarbage, status)
}

// Freeze flushes all file systems and lets nothing be written until Thaw. Where it fails some may be frozen.
func (a *Agent) Freeze() error {
	var frozen int64
	return a.ask(freezeTime, "guest-fsfreeze-freeze", nil, &frozen)
}

// Thaw undoes Freeze. File systems that are not frozen are left as they are.
func (a *Agent) Thaw() error {
	var thawed int64
	return a.ask(freezeTime, "guest-fsfreeze-thaw", nil, &thawed)
}
