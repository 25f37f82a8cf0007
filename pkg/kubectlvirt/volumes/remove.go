// SPDX-License-Identifier: Apache-2.0

package volumes

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// RemoveOptions are the options of removevolume.
type RemoveOptions struct {
	common
}

// NewRemoveCommand returns the command removevolume.
func NewRemoveCommand(flags genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	o := &RemoveOptions{common: common{flags: flags, streams: streams}}
	command := &cobra.Command{
		Use:   "removevolume VM",
		Short: "Take a disk from a running guest",
		Long: "Take a disk from a running guest. Unmount its file systems first.\n\n" +
			"The command returns when the server has taken the request; the disk goes when the guest gives it up.",
		Example: `  # Take the volume data from the guest of web
  kubectl virt removevolume web --volume-name data

  # Take it from the machine as well
  kubectl virt removevolume web --volume-name data --persist`,
		RunE: func(command *cobra.Command, args []string) error {
			if err := o.Validate(); err != nil {
				return fmt.Errorf("%w\nSee %s --help", err, command.CommandPath())
			}
			if err := o.complete(args); err != nil {
				return err
			}
			return o.Run(command.Context())
		},
	}
	o.addFlags(command)
	return command
}

// Validate checks what no server is needed for.
func (o *RemoveOptions) Validate() error { return o.validate() }

// Run has the volume removed.
func (o *RemoveOptions) Run(ctx context.Context) error {
	remove := o.client.RemoveVolume
	if o.Persist {
		remove = o.client.RemoveVolumeFromMachine
	}
	if err := remove(ctx, o.name, &kubevirtv1.RemoveVolumeOptions{Name: o.VolumeName, DryRun: o.dryRun.Options()}); err != nil {
		return err
	}
	o.report("loses")
	return nil
}
