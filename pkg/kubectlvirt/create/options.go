// SPDX-License-Identifier: Apache-2.0

package create

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/yaml"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// Options are the options of create vm.
type Options struct {
	streams genericiooptions.IOStreams
	// changed says whether the user gave a flag.
	changed func(flag string) bool
	// Name of the machine, and Namespace; one without a name gets one.
	Name, Namespace string
	// RunStrategy, and Memory as a quantity.
	RunStrategy, Memory string
	// Instancetype and Preference are [KIND/]NAME, or empty. An instance type brings the memory.
	Instancetype, Preference string
	// InferInstancetype and InferPreference have them inferred from the volume that the guest boots from, or from
	// those of these names.
	InferInstancetype, InferPreference         bool
	InferInstancetypeFrom, InferPreferenceFrom string
	// GracePeriod in seconds.
	GracePeriod int64
	// ContainerDisks, Claims, Imports and Blanks are volumes, each as KEY:VALUE,....
	ContainerDisks, Claims, Imports, Blanks []string
	// Sysprep is a volume of answers for the setup of Windows, and Credentials are Secrets, as KEY:VALUE,....
	Sysprep     string
	Credentials []string
	// User, PasswordFile and SSHKeys are for cloud-init, and so is that the guest's agent may write keys.
	User, PasswordFile string
	SSHKeys            []string
	GAManageSSH        bool
	// CloudInit is nocloud, configdrive or none; UserData and NetworkData, in base64, are all that cloud-init gets.
	CloudInit, UserData, NetworkData string
}

// NewCommand returns the command create, and a command for each kind below it.
func NewCommand(flags genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	command := &cobra.Command{
		Use:   "create",
		Short: "Print manifests",
		Example: `  # A virtual machine
  kubectl virt create vm --name web --volume-containerdisk src:example.com/debian:12 | kubectl apply -f -`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	command.AddCommand(newVMCommand(flags, streams), newInstancetypeCommand(streams), newPreferenceCommand(streams), newCloneCommand(flags, streams))
	return command
}

func newVMCommand(flags genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	o := &Options{
		streams: streams, RunStrategy: string(kubevirtv1.RunStrategyAlways), Memory: "512Mi", GracePeriod: 180,
		InferInstancetype: true, InferPreference: true, CloudInit: noCloud,
	}
	command := &cobra.Command{
		Use:   "vm",
		Short: "Print the manifest of a virtual machine",
		Long: "Print the manifest of a virtual machine, to be applied or kept. No server is asked.\n\n" +
			"A volume is described as KEY:VALUE,...; name and bootorder are keys of each. Without a bootorder, a guest boots\n" +
			"from the first of: --volume-containerdisk, --volume-pvc, --volume-blank, --volume-import.",
		Example:           vmExample,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(command *cobra.Command, _ []string) error {
			o.changed, o.Namespace = command.Flags().Changed, namespaceOf(command)
			vm, err := o.build()
			if err != nil {
				return fmt.Errorf("%w\nSee %s --help", err, command.CommandPath())
			}
			return printManifest(o.streams, vm)
		},
	}
	command.Flags().SortFlags = false
	o.addFlags(command.Flags())
	for _, group := range exclusive() {
		command.MarkFlagsMutuallyExclusive(group...)
	}
	complete(command, flags)
	return command
}

const vmExample = `  # Import a disk over HTTP
  kubectl virt create vm --name web --memory 1Gi \
    --volume-import type:http,url:https://example.com/debian.qcow2,size:10Gi | kubectl apply -f -

  # A disk in a container image, an empty one, and a user who logs in with a key
  kubectl virt create vm --name web --volume-containerdisk src:example.com/debian:12 \
    --volume-import type:blank,size:5Gi --user debian --ssh-key "$(cat ~/.ssh/id_ed25519.pub)"

  # The size of the instance type small, and what a Linux guest likes best
  kubectl virt create vm --name web --instancetype small --preference linux --volume-pvc src:web

  # Those that the labels of the claim web name
  kubectl virt create vm --name web --volume-pvc src:web --infer-instancetype --infer-preference

  # Keys from a Secret, which change in the running guest when they change there
  kubectl virt create vm --name web --volume-pvc src:web --user debian --access-cred src:keys

  # A second disk to boot from first
  kubectl virt create vm --name web --volume-pvc src:web --volume-pvc src:rescue,bootorder:1`

// exclusive are flags of which only one can be given.
func exclusive() [][]string {
	return [][]string{
		{"memory", "instancetype", "infer-instancetype", "infer-instancetype-from"},
		{"preference", "infer-preference", "infer-preference-from"},
		{"cloud-init-user-data", "user"},
		{"cloud-init-user-data", "password-file"},
		{"cloud-init-user-data", "ssh-key"},
		{"cloud-init-user-data", "ga-manage-ssh"},
	}
}

func (o *Options) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.Name, "name", o.Name, "Name of the machine; by default vm- and five letters.")
	flags.StringVar(&o.RunStrategy, "run-strategy", o.RunStrategy, "Always, Halted, Manual, RerunOnFailure or Once.")
	flags.Int64Var(&o.GracePeriod, "termination-grace-period", o.GracePeriod, "Seconds that the guest may take to power off.")
	flags.StringVar(&o.Memory, "memory", o.Memory, "Memory of the guest.")
	flags.StringVar(&o.Instancetype, "instancetype", o.Instancetype, "Instance type that the guest has its size of: [KIND/]NAME.")
	flags.BoolVar(&o.InferInstancetype, "infer-instancetype", o.InferInstancetype,
		"Have the instance type that the volume names that the guest boots from. Without the flag: if it names one.")
	flags.StringVar(&o.InferInstancetypeFrom, "infer-instancetype-from", o.InferInstancetypeFrom, "Have the instance type that this volume names.")
	flags.StringVar(&o.Preference, "preference", o.Preference, "Preference that fills in what is left open: [KIND/]NAME.")
	flags.BoolVar(&o.InferPreference, "infer-preference", o.InferPreference,
		"Have the preference that the volume names that the guest boots from. Without the flag: if it names one.")
	flags.StringVar(&o.InferPreferenceFrom, "infer-preference-from", o.InferPreferenceFrom, "Have the preference that this volume names.")
	flags.StringArrayVar(&o.ContainerDisks, "volume-containerdisk", nil, "Disk in a container image: src:IMAGE.")
	flags.StringArrayVar(&o.Claims, "volume-pvc", nil, "Disk that there is: src:CLAIM.")
	flags.StringArrayVar(&o.Blanks, "volume-blank", nil, "Empty disk: size:SIZE. The same as --volume-import type:blank,size:SIZE.")
	flags.StringArrayVar(&o.Imports, "volume-import", nil, "Disk that is made with the machine:\n"+describeImports()+"\nheaders have a ; between them.")
	flags.StringVar(&o.Sysprep, "volume-sysprep", o.Sysprep, "Answers for the setup of Windows: src:NAME,type:configmap or secret.")
	flags.StringVar(&o.User, "user", o.User, "User that cloud-init makes.")
	flags.StringVar(&o.PasswordFile, "password-file", o.PasswordFile, "File with the user's password. The manifest shows it to who reads it.")
	flags.StringSliceVar(&o.SSHKeys, "ssh-key", nil, "Public key of the user. Can be repeated.")
	flags.BoolVar(&o.GAManageSSH, "ga-manage-ssh", o.GAManageSSH,
		"Let the guest's agent write users' keys where SELinux would not. On with --access-cred of keys by the agent.")
	flags.StringArrayVar(&o.Credentials, "access-cred", nil,
		"Secret that users log in with: src:SECRET,type:ssh,method:ga or nocloud or configdrive,user:USER, or src:SECRET,type:password.")
	flags.StringVar(&o.CloudInit, "cloud-init", o.CloudInit, "How cloud-init is told: nocloud, configdrive, or none for not at all.")
	flags.StringVar(&o.UserData, "cloud-init-user-data", o.UserData, "All of cloud-init's user data, in base64.")
	flags.StringVar(&o.NetworkData, "cloud-init-network-data", o.NetworkData, "Cloud-init's network data, in base64.")
}

// namespaceOf is the namespace that the user gave, or "": kubectl apply then chooses.
func namespaceOf(command *cobra.Command) string {
	if flag := command.Flag("namespace"); flag != nil && flag.Changed {
		return flag.Value.String()
	}
	return ""
}

func printManifest(streams genericiooptions.IOStreams, object any) error {
	text, err := yaml.Marshal(object)
	if err != nil {
		return err
	}
	_, err = streams.Out.Write(text)
	return err
}
