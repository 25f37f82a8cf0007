// SPDX-License-Identifier: Apache-2.0

package create

import (
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// Options are the options of create vm.
type Options struct {
	streams genericiooptions.IOStreams
	// Name of the machine.
	Name string
	// RunStrategy, and Memory as a quantity.
	RunStrategy, Memory string
	// Instancetype and Preference are [KIND/]NAME, or empty. An instance type brings the memory.
	Instancetype, Preference string
	// GracePeriod in seconds.
	GracePeriod int64
	// ContainerDisks, Claims, Imports and Blanks are volumes, each as KEY:VALUE,....
	ContainerDisks, Claims, Imports, Blanks []string
	// Sysprep is a volume of answers for the setup of Windows, and Credentials are Secrets, as KEY:VALUE,....
	Sysprep     string
	Credentials []string
	// User, PasswordFile and SSHKeys are for cloud-init; UserData, in base64, is all of its configuration.
	User, PasswordFile string
	SSHKeys            []string
	UserData           string
}

// NewCommand returns the command create, and a command for each kind below it.
func NewCommand(streams genericiooptions.IOStreams) *cobra.Command {
	command := &cobra.Command{
		Use:   "create",
		Short: "Print manifests",
		Example: `  # A virtual machine
  kubectl virt create vm --name web --volume-containerdisk src:example.com/debian:12 | kubectl apply -f -`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	command.AddCommand(newVMCommand(streams), newInstancetypeCommand(streams), newPreferenceCommand(streams), newCloneCommand(streams))
	return command
}

func newVMCommand(streams genericiooptions.IOStreams) *cobra.Command {
	o := &Options{streams: streams, RunStrategy: string(kubevirtv1.RunStrategyAlways), Memory: "512Mi", GracePeriod: 180}
	command := &cobra.Command{
		Use:   "vm",
		Short: "Print the manifest of a virtual machine",
		Long: "Print the manifest of a virtual machine, to be applied or kept. No server is asked.\n\n" +
			"A volume is described as KEY:VALUE,...; name is a key of each.",
		Example: `  # Import a disk over HTTP
  kubectl virt create vm --name web --memory 1Gi \
    --volume-import type:http,url:https://example.com/debian.qcow2,size:10Gi | kubectl apply -f -

  # A disk in a container image, an empty one, and a user who logs in with a key
  kubectl virt create vm --name web --volume-containerdisk src:example.com/debian:12 \
    --volume-import type:blank,size:5Gi --user debian --ssh-key "$(cat ~/.ssh/id_ed25519.pub)"

  # The size of the instance type small, and what a Linux guest likes best
  kubectl virt create vm --name web --instancetype small --preference linux --volume-pvc src:web`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(command *cobra.Command, _ []string) error {
			vm, err := o.build()
			if err != nil {
				return fmt.Errorf("%w\nSee %s --help", err, command.CommandPath())
			}
			return printManifest(o.streams, vm)
		},
	}
	flags := command.Flags()
	flags.StringVar(&o.Name, "name", o.Name, "Name of the machine. Needed.")
	flags.StringVar(&o.RunStrategy, "run-strategy", o.RunStrategy, "Always, Halted, Manual, RerunOnFailure or Once.")
	flags.StringVar(&o.Memory, "memory", o.Memory, "Memory of the guest.")
	flags.StringVar(&o.Instancetype, "instancetype", o.Instancetype, "Instance type that the guest has its size of: [KIND/]NAME.")
	flags.StringVar(&o.Preference, "preference", o.Preference, "Preference that fills in what is left open: [KIND/]NAME.")
	flags.Int64Var(&o.GracePeriod, "termination-grace-period", o.GracePeriod, "Seconds that the guest may take to power off.")
	flags.StringArrayVar(&o.ContainerDisks, "volume-containerdisk", nil, "Disk in a container image: src:IMAGE.")
	flags.StringArrayVar(&o.Claims, "volume-pvc", nil, "Disk that there is: src:CLAIM.")
	flags.StringArrayVar(&o.Imports, "volume-import", nil, "Disk that is made with the machine: type:http,url:URL,size:SIZE or type:blank,size:SIZE.")
	flags.StringArrayVar(&o.Blanks, "volume-blank", nil, "Empty disk: size:SIZE. The same as --volume-import type:blank,size:SIZE.")
	flags.StringVar(&o.Sysprep, "volume-sysprep", o.Sysprep, "Answers for the setup of Windows: src:NAME,type:configmap or secret.")
	flags.StringArrayVar(&o.Credentials, "access-cred", nil,
		"Secret that users log in with: src:SECRET,type:ssh,method:ga or nocloud,user:USER, or src:SECRET,type:password.")
	flags.StringVar(&o.User, "user", o.User, "User that cloud-init makes.")
	flags.StringVar(&o.PasswordFile, "password-file", o.PasswordFile, "File with the user's password. The manifest shows it to who reads it.")
	flags.StringArrayVar(&o.SSHKeys, "ssh-key", nil, "Public key of the user. Can be repeated.")
	flags.StringVar(&o.UserData, "cloud-init-user-data", o.UserData, "All of cloud-init's user data, in base64.")
	command.MarkFlagsMutuallyExclusive("instancetype", "memory")
	command.MarkFlagsMutuallyExclusive("cloud-init-user-data", "user")
	command.MarkFlagsMutuallyExclusive("cloud-init-user-data", "password-file")
	command.MarkFlagsMutuallyExclusive("cloud-init-user-data", "ssh-key")
	return command
}

// build makes the machine.
func (o *Options) build() (*kubevirtv1.VirtualMachine, error) {
	if o.Name == "" {
		return nil, fmt.Errorf("--name is needed")
	}
	memory, err := resource.ParseQuantity(o.Memory)
	if err != nil {
		return nil, fmt.Errorf("--memory %q: %w", o.Memory, err)
	}
	strategy, err := parseStrategy(o.RunStrategy)
	if err != nil {
		return nil, err
	}
	vm := &kubevirtv1.VirtualMachine{
		TypeMeta:   metav1.TypeMeta{APIVersion: kubevirtv1.SchemeGroupVersion.String(), Kind: "VirtualMachine"},
		ObjectMeta: metav1.ObjectMeta{Name: o.Name},
		Spec:       kubevirtv1.VirtualMachineSpec{RunStrategy: &strategy, Template: &kubevirtv1.VirtualMachineInstanceTemplateSpec{}},
	}
	spec := &vm.Spec.Template.Spec
	spec.TerminationGracePeriodSeconds = ptr.To(o.GracePeriod)
	if o.Instancetype == "" {
		spec.Domain.Memory = &kubevirtv1.Memory{Guest: &memory}
	}
	if err := o.addMatchers(vm); err != nil {
		return nil, err
	}
	if err := o.addVolumes(vm); err != nil {
		return nil, err
	}
	needsSeed, err := o.addCredentials(spec)
	if err != nil {
		return nil, err
	}
	return vm, o.addCloudInit(spec, needsSeed)
}

func parseStrategy(text string) (kubevirtv1.VirtualMachineRunStrategy, error) {
	switch strategy := kubevirtv1.VirtualMachineRunStrategy(text); strategy {
	case kubevirtv1.RunStrategyAlways, kubevirtv1.RunStrategyHalted, kubevirtv1.RunStrategyManual,
		kubevirtv1.RunStrategyRerunOnFailure, kubevirtv1.RunStrategyOnce:
		return strategy, nil
	default:
		return "", fmt.Errorf("--run-strategy must be Always, Halted, Manual, RerunOnFailure or Once, not %q", text)
	}
}

func printManifest(streams genericiooptions.IOStreams, object any) error {
	text, err := yaml.Marshal(object)
	if err != nil {
		return err
	}
	_, err = streams.Out.Write(text)
	return err
}
