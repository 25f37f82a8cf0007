// SPDX-License-Identifier: Apache-2.0

package guestagent

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// firstLook and lastLook are how long to wait between looks at a command that runs.
	firstLook = 50 * time.Millisecond
	lastLook  = time.Second
)

// Result is how a command in the guest ended.
type Result struct {
	// ExitCode is 128 and the signal where one ended the command.
	ExitCode int
	// Output is the beginning of what it wrote, first the standard output, then the standard error.
	Output string
}

// Exec runs a command in the guest and waits until it has ended or ctx has; the command goes on then.
func (a *Agent) Exec(ctx context.Context, command []string) (Result, error) {
	if len(command) == 0 || command[0] == "" {
		return Result{}, errors.New("command: is needed")
	}
	var started struct {
		PID int64 `json:"pid"`
	}
	arguments := map[string]any{"path": command[0], "arg": command[1:], "capture-output": true}
	if err := a.ask(answerTime, "guest-exec", arguments, &started); err != nil {
		return Result{}, err
	}
	for wait := firstLook; ; wait = min(2*wait, lastLook) {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return Result{}, fmt.Errorf("the command did not end in time: %w", ctx.Err())
		case <-timer.C:
		}
		result, exited, err := a.result(started.PID)
		if err != nil || exited {
			return result, err
		}
	}
}

func (a *Agent) result(pid int64) (result Result, exited bool, err error) {
	var answer struct {
		Exited   bool   `json:"exited"`
		ExitCode int    `json:"exitcode"`
		Signal   int    `json:"signal"`
		Out      output `json:"out-data"`
		Err      output `json:"err-data"`
	}
	if err := a.ask(answerTime, "guest-exec-status", map[string]any{"pid": pid}, &answer); err != nil {
		return Result{}, false, err
	}
	code := answer.ExitCode
	if answer.Signal != 0 {
		code = 128 + answer.Signal
	}
	return Result{ExitCode: code, Output: string(answer.Out + answer.Err)}, answer.Exited, nil
}
