// SPDX-License-Identifier: Apache-2.0

package kubectlvirt

import (
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/rest"

	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt/console"
	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt/create"
	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt/credentials"
	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt/expand"
	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt/guest"
	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt/portforward"
	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt/power"
	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt/ssh"
	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt/version"
	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt/vnc"
	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt/volumes"
)

// shown are the connection flags that --help lists; the others work as well.
var shown = []string{"namespace", "context", "kubeconfig"}

// NewCommand returns the command. program is the name that it was called by; a plugin calls itself as its
// users do.
func NewCommand(program string, streams genericiooptions.IOStreams) *cobra.Command {
	// As kubectl prints the server's warnings; the library's own way is a line of a log.
	rest.SetDefaultWarningHandler(rest.NewWarningWriter(streams.ErrOut, rest.WarningWriterOptions{Deduplicate: true}))
	flags := genericclioptions.NewConfigFlags(true).WithWarningPrinter(streams)
	root := &cobra.Command{
		Use:   "kubectl-virt",
		Short: "Work with virtual machines",
		Long: "Work with virtual machines: what kubectl itself can't do.\n\n" +
			"All connection flags of kubectl work; see kubectl options.",
		Annotations:       map[string]string{cobra.CommandDisplayNameAnnotation: displayName(program)},
		SilenceUsage:      true,
		SilenceErrors:     true,
		DisableAutoGenTag: true,
	}
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.ErrOut)
	flags.AddFlags(root.PersistentFlags())
	root.PersistentFlags().VisitAll(func(flag *pflag.Flag) { flag.Hidden = true })
	for _, name := range shown {
		root.PersistentFlags().Lookup(name).Hidden = false
	}
	root.AddCommand(
		console.NewCommand(flags, streams),
		power.NewStartCommand(flags, streams),
		power.NewStopCommand(flags, streams),
		power.NewRestartCommand(flags, streams),
		power.NewPauseCommand(flags, streams),
		power.NewUnpauseCommand(flags, streams),
		power.NewSoftRebootCommand(flags, streams),
		power.NewResetCommand(flags, streams),
		portforward.NewCommand(flags, streams),
		vnc.NewCommand(flags, streams),
		guest.NewOSInfoCommand(flags, streams),
		guest.NewUsersCommand(flags, streams),
		guest.NewFileSystemsCommand(flags, streams),
		volumes.NewAddCommand(flags, streams),
		volumes.NewRemoveCommand(flags, streams),
		create.NewCommand(flags, streams),
		expand.NewCommand(flags, streams),
		credentials.NewCommand(flags, streams),
		ssh.NewCommand(flags, streams),
		ssh.NewCopyCommand(flags, streams),
		version.NewCommand(flags, streams),
	)
	return root
}

// displayName is "kubectl virt" for the plugin kubectl-virt.
func displayName(program string) string {
	name := filepath.Base(program)
	if plugin, found := strings.CutPrefix(name, "kubectl-"); found {
		return "kubectl " + plugin
	}
	return name
}
