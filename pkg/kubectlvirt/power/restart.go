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

// RestartOptions are the options of restart.
type RestartOptions struct {
	common
	// GracePeriod may only be 0, and only with Force.
	GracePeriod int64
	// Force ends the guest at once.
	Force bool
}

// NewRestartCommand returns the command.
func NewRestartCommand(flags genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	o := &RestartOptions{common: common{flags: flags, streams: streams}, GracePeriod: unset}
	command := &cobra.Command{
		Use:   "restart VM",
		Short: "Stop a virtual machine and start it anew",
		Long: "Stop a virtual machine and start it anew. Changes of its template take effect.\n\n" +
			"A reboot inside the guest does less: it keeps the instance, and with it the old template.",
		Example: `  # Restart the virtual machine web
  kubectl virt restart web

  # Without waiting for the guest to power off
  kubectl virt restart web --force`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: machines.Complete(flags),
		RunE:              run(o),
	}
	command.Flags().BoolVar(&o.Force, "force", o.Force, "End the guest at once. Its unsaved data is lost.")
	command.Flags().Int64Var(&o.GracePeriod, "grace-period", o.GracePeriod, "Only 0 is possible, and only with --force.")
	o.addFlags(command.Flags())
	return command
}

// Validate checks the grace period.
func (o *RestartOptions) Validate() error {
	switch {
	case o.GracePeriod == unset:
		return nil
	case o.GracePeriod != 0:
		return errors.New("--grace-period can only be 0: leave it out to give the guest the machine's own period")
	case !o.Force:
		return errors.New("--grace-period 0 needs --force: the guest's unsaved data would be lost")
	default:
		return nil
	}
}

// Run has the machine restarted.
func (o *RestartOptions) Run(command *cobra.Command) error {
	options := &kubevirtv1.RestartOptions{DryRun: o.dryRun.Options()}
	if o.Force {
		options.GracePeriodSeconds = ptr.To(int64(0))
	}
	if err := o.client.Restart(command.Context(), o.name, options); err != nil {
		return err
	}
	o.report("restarting")
	return nil
}
