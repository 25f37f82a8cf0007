// SPDX-License-Identifier: Apache-2.0

package power

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt/machines"
)

// common is what the verbs have in common.
type common struct {
	flags   genericclioptions.RESTClientGetter
	streams genericiooptions.IOStreams
	dryRun  machines.DryRun

	name   string
	client *machines.Client
}

func (o *common) addFlags(flags *pflag.FlagSet) {
	o.dryRun.AddFlag(flags)
}

// Complete takes the machine's name and finds the server.
func (o *common) Complete(args []string) (err error) {
	o.name = args[0]
	o.client, err = machines.NewClient(o.flags)
	return err
}

// report says what was asked for: the guest follows in its own time.
func (o *common) report(what string) {
	o.tell("virtualmachine", what)
}

// reportInstance says what happened to the guest.
func (o *common) reportInstance(what string) {
	o.tell("virtualmachineinstance", what)
}

func (o *common) tell(kind, what string) {
	fmt.Fprintf(o.streams.Out, "%s.kubevirt.io/%s %s%s\n", kind, o.name, what, o.dryRun.Suffix())
}

// verb is the options of one verb.
type verb interface {
	Complete(args []string) error
	Validate() error
	Run(command *cobra.Command) error
}

// run takes a verb through its steps.
func run(o verb) func(*cobra.Command, []string) error {
	return func(command *cobra.Command, args []string) error {
		if err := o.Complete(args); err != nil {
			return err
		}
		if err := o.Validate(); err != nil {
			return fmt.Errorf("%w\nSee %s --help", err, command.CommandPath())
		}
		return o.Run(command)
	}
}
