// SPDX-License-Identifier: Apache-2.0

package power

import (
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt/machines"
)

// PauseOptions are the options of pause and of unpause.
type PauseOptions struct {
	common
	// Unpause does the contrary.
	Unpause bool
}

// NewPauseCommand returns the command.
func NewPauseCommand(flags genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	return newPauseCommand(&PauseOptions{common: common{flags: flags, streams: streams}}, &cobra.Command{
		Use:   "pause (vm|vmi) NAME",
		Short: "Stop the processors of a guest",
		Long: "Stop the processors of a guest. Its memory stays, and its clock stands still.\n\n" +
			"The guest does not notice, other than by the time that is missing.",
		Example: `  # Pause the virtual machine web
  kubectl virt pause vm web

  # Let it run on
  kubectl virt unpause vm web`,
	})
}

// NewUnpauseCommand returns the command.
func NewUnpauseCommand(flags genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	return newPauseCommand(&PauseOptions{common: common{flags: flags, streams: streams}, Unpause: true}, &cobra.Command{
		Use:   "unpause (vm|vmi) NAME",
		Short: "Let a paused guest run on",
		Example: `  # Let the paused virtual machine web run on
  kubectl virt unpause vm web`,
	})
}

func newPauseCommand(o *PauseOptions, command *cobra.Command) *cobra.Command {
	command.Args = cobra.ExactArgs(2)
	command.ValidArgsFunction = machines.CompleteKindAndName(o.flags)
	command.RunE = run(o)
	o.addFlags(command.Flags())
	return command
}

// Complete takes the type and the name. Machine and instance have one name, and the guest is the instance's.
func (o *PauseOptions) Complete(args []string) error {
	target, err := machines.NewTarget(args[0], args[1], "")
	if err != nil {
		return err
	}
	return o.common.Complete([]string{target.Name})
}

// Validate finds nothing wrong: every combination means something.
func (o *PauseOptions) Validate() error { return nil }

// Run has the guest paused, or unpaused.
func (o *PauseOptions) Run(command *cobra.Command) error {
	ctx, what := command.Context(), "paused"
	var err error
	if o.Unpause {
		what = "unpaused"
		err = o.client.Unpause(ctx, o.name, &kubevirtv1.UnpauseOptions{DryRun: o.dryRun.Options()})
	} else {
		err = o.client.Pause(ctx, o.name, &kubevirtv1.PauseOptions{DryRun: o.dryRun.Options()})
	}
	if err != nil {
		return err
	}
	o.reportInstance(what)
	return nil
}
