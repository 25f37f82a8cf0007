// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/virt-apiserver/virt-apiserver/pkg/standalone"
)

// newStandaloneCommand returns the command for a server that needs nothing else.
func newStandaloneCommand(ctx context.Context) *cobra.Command {
	options := standalone.NewOptions()
	command := &cobra.Command{
		Use:   "standalone",
		Short: "Run everything on this machine: API server, etcd, controllers, guests",
		Long: "Serves the API from one process with its own etcd and certificates and runs the guests on this machine,\n" +
			"with its libvirt and QEMU. Guests outlive the process; started again on the same directory, it goes on\n" +
			"where it was. Talk to it with plain kubectl and the kubeconfig in the data directory.",
		Example: "  virt-apiserver standalone --data-dir=/var/lib/virt-apiserver &\n" +
			"  export KUBECONFIG=/var/lib/virt-apiserver/kubeconfig\n" +
			"  kubectl get vms",
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := options.Complete(); err != nil {
				return err
			}
			if err := options.Validate(); err != nil {
				return fmt.Errorf("%w\nsee %s --help", err, command.CommandPath())
			}
			return standalone.Run(command.Context(), options)
		},
	}
	command.SetContext(ctx)
	setUp(command, options.AddFlags)
	return command
}
