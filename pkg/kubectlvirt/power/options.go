// SPDX-License-Identifier: Apache-2.0

package power

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt/machines"
)

// common is what the verbs have in common.
type common struct {
	flags   genericclioptions.RESTClientGetter
	streams genericiooptions.IOStreams
	dryRun  dryRun

	name   string
	client *machines.Client
}

func (o *common) addFlags(flags *pflag.FlagSet) {
	flag := flags.VarPF(&o.dryRun, "dry-run", "", "Have the server check the request and change nothing.")
	flag.NoOptDefVal = "server"
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
	suffix := ""
	if o.dryRun {
		suffix = " (server dry run)"
	}
	fmt.Fprintf(o.streams.Out, "%s.kubevirt.io/%s %s%s\n", kind, o.name, what, suffix)
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

// dryRun is a flag that takes kubectl's values as well as a boolean's. A dry run on the client would check
// nothing that matters, so there is none.
type dryRun bool

// String implements pflag.Value.
func (d *dryRun) String() string {
	if *d {
		return "server"
	}
	return "none"
}

// Type implements pflag.Value.
func (d *dryRun) Type() string { return "none|server" }

// Set implements pflag.Value.
func (d *dryRun) Set(value string) error {
	switch value {
	case "server":
		*d = true
	case "none":
		*d = false
	default:
		on, err := strconv.ParseBool(value)
		if err != nil {
			return fmt.Errorf("must be none or server")
		}
		*d = dryRun(on)
	}
	return nil
}

// options is the value for the body of an action.
func (d dryRun) options() []string {
	if d {
		return []string{metav1.DryRunAll}
	}
	return nil
}
