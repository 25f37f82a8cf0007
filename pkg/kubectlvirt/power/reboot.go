// SPDX-License-Identifier: Apache-2.0

package power

import (
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt/machines"
)

// RebootOptions are the options of soft-reboot and reset.
type RebootOptions struct {
	common
	// Hard gives the guest no time.
	Hard bool
}

// NewSoftRebootCommand returns the command.
func NewSoftRebootCommand(flags genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	return newRebootCommand(&RebootOptions{common: common{flags: flags, streams: streams}}, &cobra.Command{
		Use:   "soft-reboot VM",
		Short: "Ask a guest to reboot",
		Long: "Ask a guest to reboot, through its agent or its power button. The instance stays, and with it\n" +
			"the template of its start; restart begins anew with the present template.",
		Example: `  # Ask the guest of the virtual machine web to reboot
  kubectl virt soft-reboot web`,
	})
}

// NewResetCommand returns the command.
func NewResetCommand(flags genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	return newRebootCommand(&RebootOptions{common: common{flags: flags, streams: streams}, Hard: true}, &cobra.Command{
		Use:   "reset VM",
		Short: "Press the reset button of a guest",
		Long: "Press the reset button of a guest: it boots at once, and its unsaved data is lost. The instance\n" +
			"stays; soft-reboot asks the guest first.",
		Example: `  # Reset the guest of the virtual machine web
  kubectl virt reset web`,
	})
}

func newRebootCommand(o *RebootOptions, command *cobra.Command) *cobra.Command {
	command.Args = cobra.ExactArgs(1)
	command.ValidArgsFunction = machines.Complete(o.flags)
	command.RunE = run(o)
	return command
}

// Validate finds nothing wrong: there is nothing to choose.
func (o *RebootOptions) Validate() error { return nil }

// Run has the guest reboot.
func (o *RebootOptions) Run(command *cobra.Command) error {
	reboot, what := o.client.SoftReboot, "rebooting"
	if o.Hard {
		reboot, what = o.client.Reset, "reset"
	}
	if err := reboot(command.Context(), o.name); err != nil {
		return err
	}
	o.reportInstance(what)
	return nil
}
