// SPDX-License-Identifier: Apache-2.0

package create

import (
	"fmt"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/ptr"

	instancetypev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// PreferenceOptions are the options of create preference.
type PreferenceOptions struct {
	streams genericiooptions.IOStreams
	// Name of the preference, which is of a namespace where Namespaced is true.
	Name       string
	Namespaced bool
	// Namespace is that of the manifest, or "".
	Namespace string
	// StorageClass, MachineType and CPUTopology are what is preferred; empty where nothing is.
	StorageClass, MachineType, CPUTopology string
}

func newPreferenceCommand(streams genericiooptions.IOStreams) *cobra.Command {
	o := &PreferenceOptions{streams: streams}
	command := &cobra.Command{
		Use:   "preference",
		Short: "Print the manifest of a preference",
		Example: `  # A preference for all namespaces: processors are cores of one socket
  kubectl virt create preference --name cores --cpu-topology cores | kubectl apply -f -

  # One of this namespace, for the class of disks that are made with a machine
  kubectl virt create preference --name fast --volume-storage-class fast --namespaced | kubectl apply -f -`,
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
	flags.StringVar(&o.Name, "name", o.Name, "Name of the preference; by default one of five letters is made up.")
	flags.BoolVar(&o.Namespaced, "namespaced", o.Namespaced, "Make it one of a namespace.")
	flags.StringVar(&o.StorageClass, "volume-storage-class", o.StorageClass, "Storage class of disks that are made with a machine.")
	flags.StringVar(&o.MachineType, "machine-type", o.MachineType, "Machine type, such as q35.")
	flags.StringVar(&o.CPUTopology, "cpu-topology", o.CPUTopology, "What processors are: sockets, cores, threads, spread or any.")
	return command
}

func (o *PreferenceOptions) build() (any, error) {
	spec := instancetypev1.VirtualMachinePreferenceSpec{}
	if o.StorageClass != "" {
		spec.Volumes = &instancetypev1.VolumePreferences{PreferredStorageClassName: ptr.To(o.StorageClass)}
	}
	if o.MachineType != "" {
		spec.Machine = &instancetypev1.MachinePreferences{PreferredMachineType: ptr.To(o.MachineType)}
	}
	switch topology := instancetypev1.PreferredCPUTopology(o.CPUTopology); topology {
	case "":
	case instancetypev1.Sockets, instancetypev1.Cores, instancetypev1.Threads, instancetypev1.Spread, instancetypev1.Any:
		spec.CPU = &instancetypev1.CPUPreferences{PreferredCPUTopology: &topology}
	default:
		return nil, fmt.Errorf("--cpu-topology must be sockets, cores, threads, spread or any, not %q", o.CPUTopology)
	}
	meta := metav1.ObjectMeta{Name: o.Name, Namespace: o.Namespace}
	namespaced := o.Namespaced || o.Namespace != ""
	if meta.Name == "" {
		meta.Name = randomName("preference", namespaced)
	}
	if namespaced {
		return &instancetypev1.VirtualMachinePreference{TypeMeta: typeMeta(kubevirtv1.KindPreference), ObjectMeta: meta, Spec: spec}, nil
	}
	return &instancetypev1.VirtualMachineClusterPreference{TypeMeta: typeMeta(kubevirtv1.KindClusterPreference), ObjectMeta: meta, Spec: spec}, nil
}
