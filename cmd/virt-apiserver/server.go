// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/apiserver/pkg/util/compatibility"
	cliflag "k8s.io/component-base/cli/flag"
	"k8s.io/component-base/cli/globalflag"
	"k8s.io/component-base/logs"
	logsapi "k8s.io/component-base/logs/api/v1"
	"k8s.io/component-base/term"
	"k8s.io/klog/v2"

	"github.com/virt-apiserver/virt-apiserver/pkg/apiserver"
	"github.com/virt-apiserver/virt-apiserver/pkg/version"
)

// newCommand returns the command for a server behind kube-apiserver, with standalone below it.
func newCommand(ctx context.Context) *cobra.Command {
	options := apiserver.NewOptions()
	command := &cobra.Command{
		Use:   "virt-apiserver",
		Short: "Virtual machines as native Kubernetes resources",
		Long: "virt-apiserver serves VirtualMachines, VirtualMachineInstances and DataVolumes natively, with the wire API\n" +
			"of KubeVirt and CDI. Without a subcommand it runs behind kube-apiserver, which its APIServices point at;\n" +
			"virt-apiserver standalone needs nothing else.",
		Example: "  # behind kube-apiserver\n" +
			"  virt-apiserver --etcd-servers=https://etcd:2379 --kubeconfig=/etc/virt-apiserver/kubeconfig \\\n" +
			"    --authentication-kubeconfig=/etc/virt-apiserver/kubeconfig --authorization-kubeconfig=/etc/virt-apiserver/kubeconfig\n\n" +
			"  # on a bare machine\n" +
			"  virt-apiserver standalone --data-dir=/var/lib/virt-apiserver",
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		Version:      version.Get().GitVersion,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := options.Validate(); err != nil {
				return fmt.Errorf("%w\nsee %s --help", err, command.CommandPath())
			}
			config, err := options.Config()
			if err != nil {
				return err
			}
			klog.FromContext(command.Context()).Info("Starting", "version", version.Get().GitVersion)
			return config.Run(command.Context())
		},
	}
	command.SetContext(ctx)
	setUp(command, options.AddFlags)
	command.AddCommand(newStandaloneCommand(ctx))
	return command
}

// setUp adds the flags of the options and those of all servers, in named sections of the help text, and
// applies those of logging and feature gates before the command runs.
func setUp(command *cobra.Command, addFlags func(*cliflag.NamedFlagSets)) {
	var sets cliflag.NamedFlagSets
	addFlags(&sets)
	logging := logsapi.NewLoggingConfiguration()
	logging.Verbosity = 2 // KubeVirt's, which its clients show where nothing is set
	logsapi.AddFlags(logging, sets.FlagSet("logs"))
	globalflag.AddGlobalFlags(sets.FlagSet("global"), command.Name(), logs.SkipLoggingConfigurationFlags())
	for _, set := range sets.FlagSets {
		command.Flags().AddFlagSet(set)
	}
	command.PreRunE = func(*cobra.Command, []string) error {
		if err := compatibility.DefaultComponentGlobalsRegistry.Set(); err != nil {
			return fmt.Errorf("set feature gates: %w", err)
		}
		if err := checkVerbosity(logging); err != nil {
			return err
		}
		return logsapi.ValidateAndApply(logging, nil)
	}
	width, _, _ := term.TerminalSize(command.OutOrStdout())
	cliflag.SetUsageAndHelpFunc(command, sets, width)
}

// checkVerbosity refuses flags that bring Secrets into the log.
func checkVerbosity(logging *logsapi.LoggingConfiguration) error {
	if err := apiserver.CheckVerbosity(uint32(logging.Verbosity)); err != nil {
		return fmt.Errorf("--v: %w", err)
	}
	for _, module := range logging.VModule {
		if err := apiserver.CheckVerbosity(uint32(module.Verbosity)); err != nil {
			return fmt.Errorf("--vmodule: %s: %w", module.FilePattern, err)
		}
	}
	return nil
}
