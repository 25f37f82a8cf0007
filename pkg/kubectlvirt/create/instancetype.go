// SPDX-License-Identifier: Apache-2.0

package create

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	instancetypev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

// InstancetypeOptions are the options of create instancetype.
type InstancetypeOptions struct {
	streams genericiooptions.IOStreams
	// Name of the instance type, which is of a namespace where Namespaced is true.
	Name       string
	Namespaced bool
	// Namespace is that of the manifest, or "".
	Namespace string
	// CPU is how many processors there are, and Memory a quantity.
	CPU    uint32
	Memory string
	// IOThreadsPolicy is auto, shared or empty.
	IOThreadsPolicy string
}

func newInstancetypeCommand(streams genericiooptions.IOStreams) *cobra.Command {
	o := &InstancetypeOptions{streams: streams}
	command := &cobra.Command{
		Use:   "instancetype",
		Short: "Print the manifest of an instance type",
		Example: `  # An instance type for all namespaces
  kubectl virt create instancetype --name small --cpu 1 --memory 512Mi | kubectl apply -f -

  # One of this namespace
  kubectl virt create instancetype --name large --cpu 4 --memory 8Gi --namespaced | kubectl apply -f -`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(command *cobra.Command, _ []string) error {
			o.Namespace = namespaceOf(command)
			object, err := o.build()
			if err != nil {
				return fmt.Errorf("%w\nSee %s --help", err, command.CommandPath())
			}
			return printManifest(o.streams, object)
		},
	}
	flags := command.Flags()
	flags.StringVar(&o.Name, "name", o.Name, "Name of the instance type; by default one of five letters is made up.")
	flags.BoolVar(&o.Namespaced, "namespaced", o.Namespaced, "Make it one of a namespace.")
	flags.Uint32Var(&o.CPU, "cpu", o.CPU, "Processors of the guest. Needed.")
	flags.StringVar(&o.Memory, "memory", o.Memory, "Memory of the guest. Needed.")
	flags.StringVar(&o.IOThreadsPolicy, "iothreadspolicy", o.IOThreadsPolicy, "Threads for the work of disks: auto or shared.")
	return command
}

func (o *InstancetypeOptions) build() (any, error) {
	if o.CPU == 0 {
		return nil, errors.New("--cpu is needed, and at least 1")
	}
	memory, err := verbatim.ParseQuantity(o.Memory)
	if err != nil {
		return nil, fmt.Errorf("--memory %q: %w", o.Memory, err)
	}
	spec := instancetypev1.VirtualMachineInstancetypeSpec{}
	spec.CPU.Guest, spec.Memory.Guest = o.CPU, memory
	switch policy := kubevirtv1.IOThreadsPolicy(o.IOThreadsPolicy); policy {
	case "":
	case kubevirtv1.IOThreadsPolicyAuto, kubevirtv1.IOThreadsPolicyShared:
		spec.IOThreadsPolicy = &policy
	default:
		return nil, fmt.Errorf("--iothreadspolicy must be auto or shared, not %q", o.IOThreadsPolicy)
	}
	meta := metav1.ObjectMeta{Name: o.Name, Namespace: o.Namespace}
	namespaced := o.Namespaced || o.Namespace != ""
	if meta.Name == "" {
		meta.Name = randomName("instancetype", namespaced)
	}
	if namespaced {
		return &instancetypev1.VirtualMachineInstancetype{TypeMeta: typeMeta(kubevirtv1.KindInstancetype), ObjectMeta: meta, Spec: spec}, nil
	}
	return &instancetypev1.VirtualMachineClusterInstancetype{TypeMeta: typeMeta(kubevirtv1.KindClusterInstancetype), ObjectMeta: meta, Spec: spec}, nil
}

// randomName is virtctl's for what nobody gave a name.
func randomName(kind string, namespaced bool) string {
	if !namespaced {
		kind = "cluster" + kind
	}
	return kind + "-" + rand.String(randomLength)
}

// typeMeta is of a kind of instance types or preferences.
func typeMeta(kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: instancetypev1.SchemeGroupVersion.String(), Kind: kind}
}
