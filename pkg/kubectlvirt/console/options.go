// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt/machines"
	"github.com/virt-apiserver/virt-apiserver/pkg/node/streams"
)

// retry is how often a console that is not open yet is asked for.
const retry = time.Second

// Options are the options of console.
type Options struct {
	flags   genericclioptions.RESTClientGetter
	streams genericiooptions.IOStreams
	// Timeout is how long to wait for the guest to run.
	Timeout time.Duration

	name   string
	client *machines.Client
}

// NewCommand returns the command.
func NewCommand(flags genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	o := &Options{flags: flags, streams: streams, Timeout: 5 * time.Minute}
	command := &cobra.Command{
		Use:   "console VM",
		Short: "Open the serial console of a virtual machine",
		Long: "Open the serial console of a virtual machine. Ctrl-] leaves it.\n\n" +
			"A machine that is starting is waited for. A console has one session: a newer one ends an older one.\n" +
			"Where standard input is not a terminal, the session ends with it, and Ctrl-] is a byte as any other;\n" +
			"standard output has nothing but what the guest writes.",
		Example: `  # Open the console of the virtual machine web; Ctrl-] leaves it
  kubectl virt console web

  # Wait for it no longer than half a minute
  kubectl virt console web --timeout 30s

  # Record it for a minute
  sleep 60 | kubectl virt console web > web.log`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: machines.Complete(flags),
		RunE: func(command *cobra.Command, args []string) error {
			if err := o.Complete(args); err != nil {
				return err
			}
			if err := o.Validate(); err != nil {
				return err
			}
			return o.Run(command.Context())
		},
	}
	command.Flags().Var((*minutes)(&o.Timeout), "timeout", "How long to wait for the guest to run: minutes, or a duration such as 30s.")
	return command
}

// Complete takes the machine's name and finds the server.
func (o *Options) Complete(args []string) (err error) {
	o.name = args[0]
	o.client, err = machines.NewClient(o.flags)
	return err
}

// Validate checks the timeout.
func (o *Options) Validate() error {
	if o.Timeout <= 0 {
		return errors.New("--timeout must be more than 0")
	}
	return nil
}

// Run opens the console and stays until the user, the guest or ctx ends the session.
func (o *Options) Run(ctx context.Context) error {
	socket, err := o.connect(ctx)
	if err != nil {
		return err
	}
	return o.converse(ctx, socket)
}

// connect asks for the console until it opens, can't open, or the time is over. What is waited for is told
// when it changes.
func (o *Options) connect(ctx context.Context) (*streams.Socket, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, o.Timeout, errTimeout)
	defer cancel()
	told := ""
	for {
		socket, err := o.client.Console(ctx, o.name)
		if err == nil {
			return socket, nil
		}
		wait, why := o.client.ExplainConsole(ctx, o.name, err)
		if ctx.Err() != nil {
			return nil, o.gaveUp(ctx, told)
		}
		if !wait {
			return nil, why
		}
		if told != why.Error() {
			told = why.Error()
			fmt.Fprintf(o.streams.ErrOut, "Waiting: %s\n", told)
		}
		select {
		case <-ctx.Done():
			return nil, o.gaveUp(ctx, told)
		case <-time.After(retry):
		}
	}
}

var errTimeout = errors.New("timeout")

func (o *Options) gaveUp(ctx context.Context, last string) error {
	if !errors.Is(context.Cause(ctx), errTimeout) {
		return errors.New("interrupted")
	}
	if last == "" {
		last = "the server did not answer"
	}
	return &machines.Hinted{
		Err:   fmt.Errorf("no console within %s: %s", o.Timeout, last),
		Hints: []string{"See why: " + o.client.Command("describe vmi %s", o.name)},
	}
}

// minutes is a duration whose plain numbers are minutes.
type minutes time.Duration

// String implements pflag.Value.
func (m *minutes) String() string { return time.Duration(*m).String() }

// Type implements pflag.Value.
func (m *minutes) Type() string { return "minutes|duration" }

// Set implements pflag.Value.
func (m *minutes) Set(value string) error {
	if number, err := strconv.Atoi(value); err == nil {
		*m = minutes(time.Duration(number) * time.Minute)
		return nil
	}
	duration, err := time.ParseDuration(value)
	if err != nil {
		return errors.New("must be a number of minutes, or a duration such as 30s")
	}
	*m = minutes(duration)
	return nil
}
