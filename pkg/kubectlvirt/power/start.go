// SPDX-License-Identifier: Apache-2.0

package power

import (
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt/machines"
)

// StartOptions are the options of start.
type StartOptions struct {
	common
	// Paused leaves the guest's processors stopped.
	Paused bool
}

// NewStartCommand returns the command.
func NewStartCommand(flags genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	o := &StartOptions{common: common{flags: flags, streams: streams}}
	command := &cobra.Command{
		Use:   "start VM",
		Short: "Start a virtual machine",
		Long: "Start a virtual machine.\n\n" +
			"The command returns when the server has taken the request; kubectl get vm shows the progress.",
		Example: `  # Start the virtual machine web
  kubectl virt start web

  # Start it and watch it boot
  kubectl virt start web && kubectl virt console web

  # Start it with its processors stopped
  kubectl virt start web --paused`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: machines.Complete(flags),
		RunE:              run(o),
	}
	command.Flags().BoolVar(&o.Paused, "paused", o.Paused, "Start the guest paused.")
	o.addFlags(command.Flags())
	return command
}

// Validate finds nothing wrong: every combination means something.
func (o *StartOptions) Validate() error { return nil }

// Run has the machine started.
func (o *StartOptions) Run(command *cobra.Command) error {
	err := o.client.Start(command.Context(), o.name, &kubevirtv1.StartOptions{Paused: o.Paused, DryRun: o.dryRun.Options()})
	if err != nil {
		return err
	}
	o.report("starting")
	return nil
}
