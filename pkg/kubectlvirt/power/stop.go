// SPDX-License-Identifier: Apache-2.0

package power

import (
	"errors"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt/machines"
)

// unset is the grace period that was not given.
const unset = -1

// StopOptions are the options of stop.
type StopOptions struct {
	common
	// GracePeriod in seconds, or unset.
	GracePeriod int64
	// Force ends the guest at once where no grace period is given.
	Force bool
}

// NewStopCommand returns the command.
func NewStopCommand(flags genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	o := &StopOptions{common: common{flags: flags, streams: streams}, GracePeriod: unset}
	command := &cobra.Command{
		Use:   "stop VM",
		Short: "Stop a virtual machine",
		Long: "Stop a virtual machine: the guest is asked to power off, and ended when its grace period is over.\n\n" +
			"The command returns when the server has taken the request.",
		Example: `  # Stop the virtual machine web
  kubectl virt stop web

  # Give it 10 seconds at most
  kubectl virt stop web --grace-period 10

  # Pull the plug
  kubectl virt stop web --force`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: machines.Complete(flags),
		RunE:              run(o),
	}
	command.Flags().Int64Var(&o.GracePeriod, "grace-period", o.GracePeriod,
		"Seconds that the guest may take, where that is less than the machine's own period; -1 for the machine's own.")
	command.Flags().BoolVar(&o.Force, "force", o.Force, "End the guest at once, or when --grace-period is over. Its unsaved data is lost.")
	o.addFlags(command.Flags())
	return command
}

// Validate checks the grace period.
func (o *StopOptions) Validate() error {
	if o.GracePeriod < unset {
		return errors.New("--grace-period must not be negative")
	}
	return nil
}

// Run has the machine stopped.
func (o *StopOptions) Run(command *cobra.Command) error {
	options := &kubevirtv1.StopOptions{DryRun: o.dryRun.Options()}
	switch {
	case o.GracePeriod != unset:
		options.GracePeriod = &o.GracePeriod
	case o.Force:
		options.GracePeriod = ptr.To(int64(0))
	}
	if err := o.client.Stop(command.Context(), o.name, options); err != nil {
		return err
	}
	o.report("stopping")
	return nil
}
