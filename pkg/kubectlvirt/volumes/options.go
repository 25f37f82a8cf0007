// SPDX-License-Identifier: Apache-2.0

package volumes

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt/machines"
)

// common is what both verbs have.
type common struct {
	flags   genericclioptions.RESTClientGetter
	streams genericiooptions.IOStreams
	dryRun  machines.DryRun
	// VolumeName is the name of the volume.
	VolumeName string
	// Persist changes the machine as well as its guest.
	Persist bool

	name   string
	client *machines.Client
}

func (o *common) addFlags(command *cobra.Command) {
	command.Args = cobra.ExactArgs(1)
	command.ValidArgsFunction = machines.Complete(o.flags)
	flags := command.Flags()
	flags.StringVar(&o.VolumeName, "volume-name", o.VolumeName, "Name of the volume: that of a DataVolume or a claim. Needed.")
	flags.BoolVar(&o.Persist, "persist", o.Persist, "Change the machine too, and not just the guest that runs.")
	o.dryRun.AddFlag(flags)
}

func (o *common) validate() error {
	if o.VolumeName == "" {
		return errors.New("--volume-name is needed")
	}
	return nil
}

func (o *common) complete(args []string) (err error) {
	o.name = args[0]
	o.client, err = machines.NewClient(o.flags)
	return err
}

// report says what was asked for: the guest follows in its own time.
func (o *common) report(what string) {
	kind := "virtualmachineinstance"
	if o.Persist {
		kind = "virtualmachine"
	}
	fmt.Fprintf(o.streams.Out, "%s.kubevirt.io/%s %s volume %s%s\n", kind, o.name, what, o.VolumeName, o.dryRun.Suffix())
}
