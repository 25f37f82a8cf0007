// SPDX-License-Identifier: Apache-2.0

package ssh

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"

	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt/machines"
)

// patience with a client that is asked to end.
const patience = 5 * time.Second

// EndedError is the end of a client that has told why itself.
type EndedError struct {
	// Code is the client's exit code: 255 where there was no connection, else that of the command in the guest.
	Code int
}

func (e *EndedError) Error() string {
	return fmt.Sprintf("the client ended with %d", e.Code)
}

// run runs a client on the user's terminal.
func (o *common) run(ctx context.Context, client string, arguments []string) error {
	command := exec.CommandContext(ctx, client, arguments...)
	command.Stdin, command.Stdout, command.Stderr = o.streams.In, o.streams.Out, o.streams.ErrOut
	// A client that is killed leaves the terminal as it needs it.
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = patience
	err := command.Run()
	var ended *exec.ExitError
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return &machines.Hinted{Err: fmt.Errorf("%s is not installed", client), Hints: []string{
			"Install it: the package openssh-client",
			fmt.Sprintf("Use another client: kubectl virt port-forward %s/%s/%s :%d", o.target.Kind(), o.target.Name, o.target.Namespace, o.Port),
		}}
	case errors.As(err, &ended) && ended.ExitCode() > 0:
		return &EndedError{ended.ExitCode()}
	default:
		return err
	}
}
