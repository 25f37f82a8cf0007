// SPDX-License-Identifier: Apache-2.0

package ssh

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// CopyOptions are the options of scp.
type CopyOptions struct {
	common
	// Recursive copies folders.
	Recursive bool
	// Preserve keeps times and modes.
	Preserve bool

	local, remote string
	toRemote      bool
}

// NewCopyCommand returns the command.
func NewCopyCommand(flags genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	return newCopyCommand(&CopyOptions{common: common{flags: flags, streams: streams, Port: sshPort}})
}

func newCopyCommand(o *CopyOptions) *cobra.Command {
	command := &cobra.Command{
		Use:   "scp SOURCE DESTINATION",
		Short: "Copy files to or from a virtual machine by SSH",
		Long: "Copy files to or from a virtual machine by SSH, through the API server.\n\n" +
			"One of SOURCE and DESTINATION is in the guest: [USER@]TYPE/NAME[/NAMESPACE]:PATH. It runs the scp that is\n" +
			"installed here, with its configuration, keys and agent. TYPE is vm or vmi.",
		Example: `  # Copy a file to the home of debian in the virtual machine web
  kubectl virt scp notes.txt debian@vm/web:notes.txt

  # Copy a folder from it
  kubectl virt scp -r debian@vm/web:/var/log logs`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault),
		RunE: func(command *cobra.Command, args []string) error {
			if err := o.complete(args, command.InheritedFlags()); err != nil {
				return err
			}
			if err := o.validate(); err != nil {
				return fmt.Errorf("%w\nSee %s --help", err, command.CommandPath())
			}
			return o.Run(command)
		},
	}
	o.addFlags(command.Flags())
	command.Flags().BoolVarP(&o.Recursive, "recursive", "r", o.Recursive, "Copy folders with all that they hold.")
	command.Flags().BoolVar(&o.Preserve, "preserve", o.Preserve, "Keep times and modes.")
	return command
}

// complete finds out which side is the guest's.
func (o *CopyOptions) complete(args []string, connection *pflag.FlagSet) error {
	_, _, fromGuest := cutRemote(args[0])
	_, _, toGuest := cutRemote(args[1])
	if fromGuest == toGuest {
		return errors.New("one of SOURCE and DESTINATION must be in a guest, as in debian@vm/web:notes.txt, and one here")
	}
	local, remote := args[1], args[0]
	if toGuest {
		local, remote = args[0], args[1]
	}
	if local == "" {
		return errors.New("the path here is empty")
	}
	target, path, _ := cutRemote(remote)
	o.local, o.remote, o.toRemote = local, path, toGuest
	return o.common.complete(target, connection)
}

// cutRemote takes TARGET:PATH apart. A target has a slash, as no other host would.
func cutRemote(text string) (target, path string, remote bool) {
	target, path, found := strings.Cut(text, ":")
	first := strings.Split(target[strings.LastIndex(target, "@")+1:], "/")[0]
	remote = found && strings.Contains(target, "/") && first != "" && first != "." && first != ".."
	return target, path, remote
}

// Run runs scp.
func (o *CopyOptions) Run(command *cobra.Command) error {
	arguments := o.arguments()
	if o.Recursive {
		arguments = append(arguments, "-r")
	}
	if o.Preserve {
		arguments = append(arguments, "-p")
	}
	local, remote := o.local, o.host()+":"+o.remote
	// What is here has a colon, perhaps, and is no host.
	if !strings.HasPrefix(local, "/") && !strings.HasPrefix(local, ".") {
		local = "./" + local
	}
	if o.User != "" {
		remote = o.User + "@" + remote
	}
	if o.toRemote {
		arguments = append(arguments, "--", local, remote)
	} else {
		arguments = append(arguments, "--", remote, local)
	}
	return o.run(command.Context(), "scp", arguments)
}
