// SPDX-License-Identifier: Apache-2.0

package create

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/ptr"

	clonev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/clone/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt/machines"
)

// CloneOptions are the options of create clone.
type CloneOptions struct {
	streams genericiooptions.IOStreams
	// Name of the clone, and of the machines that it clones and makes. All but Source may be empty.
	Name, Source, Target string
	Namespace            string
	// SourceType and TargetType are vm, in one of virtctl's spellings.
	SourceType, TargetType string
	// Filters choose labels and annotations, of the machine and of its instances.
	LabelFilters, AnnotationFilters, TemplateLabelFilters, TemplateAnnotationFilters []string
	// MACAddresses are INTERFACE:ADDRESS.
	MACAddresses []string
	Serial       string
}

func newCloneCommand(getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	o := &CloneOptions{streams: streams, SourceType: "vm", TargetType: "vm"}
	command := &cobra.Command{
		Use:   "clone",
		Short: "Print the manifest of a clone, which makes one virtual machine from another",
		Long: "Print the manifest of a clone, which makes one virtual machine from another, with copies of its disks.\n\n" +
			"A machine is cloned while it is stopped; the clone of one that runs waits.",
		Example: `  # The machine copy, made from web
  kubectl virt create clone --source-name web --target-name copy | kubectl create -f -

  # Without the label role, and with a MAC address of one's own
  kubectl virt create clone --source-name web --target-name copy \
    --label-filter '*' --label-filter '!role' --new-mac-address default:02-00-00-00-00-01 | kubectl create -f -

  # Wait until it can be started
  kubectl wait vmclone/CLONE --for=condition=Ready`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(command *cobra.Command, _ []string) error {
			o.Namespace = namespaceOf(command)
			clone, err := o.build()
			if err != nil {
				return fmt.Errorf("%w\nSee %s --help", err, command.CommandPath())
			}
			return printManifest(o.streams, clone)
		},
	}
	flags := command.Flags()
	flags.StringVar(&o.Name, "name", o.Name, "Name of the clone. One is made up where it is absent.")
	flags.StringVar(&o.Source, "source-name", o.Source, "Machine that is cloned. Needed.")
	flags.StringVar(&o.Target, "target-name", o.Target, "Machine that is made. One is made up where it is absent.")
	flags.StringVar(&o.SourceType, "source-type", o.SourceType, "What is cloned: vm.")
	flags.StringVar(&o.TargetType, "target-type", o.TargetType, "What is made: vm.")
	flags.StringArrayVar(&o.LabelFilters, "label-filter", nil, "Labels of the machine that the clone has: regular expressions, * for all, ! before those that it has not. Can be given several times.")
	flags.StringArrayVar(&o.AnnotationFilters, "annotation-filter", nil, "The same for annotations.")
	flags.StringArrayVar(&o.TemplateLabelFilters, "template-label-filter", nil, "The same for labels of the machine's instances.")
	flags.StringArrayVar(&o.TemplateAnnotationFilters, "template-annotation-filter", nil, "The same for annotations of the machine's instances.")
	flags.StringArrayVar(&o.MACAddresses, "new-mac-address", nil, "INTERFACE:ADDRESS, the address with dashes. Can be given several times.")
	flags.StringVar(&o.Serial, "new-smbios-serial", o.Serial, "Serial number that the clone's firmware reports.")
	// The flag is there, so this can't fail.
	_ = command.RegisterFlagCompletionFunc("source-name", machines.Complete(getter))
	return command
}

func (o *CloneOptions) build() (*clonev1.VirtualMachineClone, error) {
	if o.Source == "" {
		return nil, errors.New("--source-name is needed")
	}
	for _, given := range []struct{ flag, kind string }{{"source-type", o.SourceType}, {"target-type", o.TargetType}} {
		switch given.kind {
		case "vm", "VM", "VirtualMachine", "virtualmachine":
		default:
			return nil, fmt.Errorf("--%s must be vm, not %q", given.flag, given.kind)
		}
	}
	clone := &clonev1.VirtualMachineClone{
		TypeMeta:   metav1.TypeMeta{APIVersion: clonev1.SchemeGroupVersion.String(), Kind: "VirtualMachineClone"},
		ObjectMeta: metav1.ObjectMeta{Name: o.Name, Namespace: o.Namespace},
		Spec: clonev1.VirtualMachineCloneSpec{
			Source: machineRef(o.Source), Target: machineRef(o.Target),
			LabelFilters: o.LabelFilters, AnnotationFilters: o.AnnotationFilters,
		},
	}
	if len(o.TemplateLabelFilters)+len(o.TemplateAnnotationFilters) > 0 {
		clone.Spec.Template = &clonev1.VirtualMachineCloneTemplateFilters{
			LabelFilters: o.TemplateLabelFilters, AnnotationFilters: o.TemplateAnnotationFilters,
		}
	}
	if clone.Name == "" {
		clone.Name = "clone-" + rand.String(5)
	}
	if o.Serial != "" {
		clone.Spec.NewSMBiosSerial = &o.Serial
	}
	for _, given := range o.MACAddresses {
		nic, address, ok := strings.Cut(given, ":")
		if !ok || nic == "" || address == "" || strings.Contains(address, ":") {
			return nil, fmt.Errorf("--new-mac-address %q must be INTERFACE:ADDRESS, such as default:02-00-00-00-00-01", given)
		}
		if clone.Spec.NewMacAddresses == nil {
			clone.Spec.NewMacAddresses = map[string]string{}
		}
		clone.Spec.NewMacAddresses[nic] = address
	}
	return clone, nil
}

func machineRef(name string) *corev1.TypedLocalObjectReference {
	return &corev1.TypedLocalObjectReference{APIGroup: ptr.To(kubevirtv1.GroupName), Kind: "VirtualMachine", Name: name}
}
