// SPDX-License-Identifier: Apache-2.0

package ssh

import (
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt/machines"
)

const sshPort = 22

// Options are the options of ssh.
type Options struct {
	common
	// Command is what the guest runs instead of a shell.
	Command string
}

// NewCommand returns the command.
func NewCommand(flags genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	return newCommand(&Options{common: common{flags: flags, streams: streams, Port: sshPort}})
}

func newCommand(o *Options) *cobra.Command {
	command := &cobra.Command{
		Use:   "ssh [USER@]TYPE/NAME[/NAMESPACE]",
		Short: "Log in to a virtual machine by SSH",
		Long: "Log in to a virtual machine by SSH, through the API server: nothing else has to reach the guest.\n\n" +
			"It runs the ssh that is installed here, with its configuration, keys and agent, and ends with its\n" +
			"exit code. TYPE is vm or vmi. The guest is known to ssh as TYPE.NAME.NAMESPACE.",
		Example: `  # Log in to the virtual machine web as debian
  kubectl virt ssh debian@vm/web

  # Run a command, with a key of one's own
  kubectl virt ssh debian@vm/web -i ~/.ssh/web -c uptime

  # Pass an option to ssh
  kubectl virt ssh debian@vm/web -t "-o StrictHostKeyChecking=accept-new"`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: machines.CompleteTarget(o.flags),
		RunE: func(command *cobra.Command, args []string) error {
			if err := o.complete(args[0], command.InheritedFlags()); err != nil {
				return err
			}
			if err := o.validate(); err != nil {
				return fmt.Errorf("%w\nSee %s --help", err, command.CommandPath())
			}
			return o.Run(command)
		},
	}
	o.addFlags(command.Flags())
	command.Flags().StringVarP(&o.Command, "command", "c", o.Command, "Command for the guest to run instead of a shell.")
	return command
}

// Run runs ssh.
func (o *Options) Run(command *cobra.Command) error {
	arguments := o.arguments()
	if o.User != "" {
		arguments = append(arguments, "-l", o.User)
	}
	arguments = append(arguments, "--", o.host())
	if o.Command != "" {
		arguments = append(arguments, o.Command)
	}
	return o.run(command.Context(), "ssh", arguments)
}
