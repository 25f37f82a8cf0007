// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt/machines"
)

// machineKind is the kind of a Secret's owner.
const machineKind = "VirtualMachine"

// NewCommand returns the command credentials, and a command for each verb below it.
func NewCommand(flags genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	command := &cobra.Command{
		Use:   "credentials",
		Short: "Change the keys and passwords that users of a guest log in with",
		Example: `  # Let me log in to web with a key
  kubectl virt credentials add-ssh-key web --user me --file ~/.ssh/id_ed25519.pub`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	command.AddCommand(newAddKeyCommand(flags, streams), newRemoveKeyCommand(flags, streams), newSetPasswordCommand(flags, streams))
	return command
}

// common is what all verbs have.
type common struct {
	flags   genericclioptions.RESTClientGetter
	streams genericiooptions.IOStreams
	// User of the guest.
	User string
	// Secret is the name of one of the machine's, or empty where it has but one.
	Secret string
	// Force changes Secrets that the machine does not own.
	Force bool

	vm     *kubevirtv1.VirtualMachine
	client *machines.Client
}

func (o *common) addFlags(command *cobra.Command, secret, force string) {
	command.Args = cobra.ExactArgs(1)
	command.ValidArgsFunction = machines.Complete(o.flags)
	flags := command.Flags()
	flags.StringVarP(&o.User, "user", "u", o.User, "User of the guest. Needed.")
	flags.StringVar(&o.Secret, "secret", o.Secret, secret)
	flags.BoolVar(&o.Force, "force", o.Force, force)
}

func (o *common) validate() error {
	if o.User == "" {
		return errors.New("--user is needed")
	}
	return nil
}

// complete reads the machine.
func (o *common) complete(ctx context.Context, name string) (err error) {
	if o.client, err = machines.NewClient(o.flags); err != nil {
		return err
	}
	if o.vm, err = o.client.Machine(ctx, name); err != nil {
		return err
	}
	if o.vm.Spec.Template == nil {
		return fmt.Errorf("virtual machine %q has no template", name)
	}
	return nil
}

// secrets are those that the machine's credentials of a kind name, each once.
func (o *common) secrets(counts func(*kubevirtv1.AccessCredential) bool) []string {
	var names []string
	for i := range o.vm.Spec.Template.Spec.AccessCredentials {
		credential := &o.vm.Spec.Template.Spec.AccessCredentials[i]
		name := credential.SecretName()
		if name != "" && credential.ByAgent() && counts(credential) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// keySecrets are those with keys of the user.
func (o *common) keySecrets() []string {
	return o.secrets(func(c *kubevirtv1.AccessCredential) bool {
		return c.SSHPublicKey != nil && slices.Contains(c.SSHPublicKey.PropagationMethod.QemuGuestAgent.Users, o.User)
	})
}

// passwordSecrets are those with passwords, of whatever users.
func (o *common) passwordSecrets() []string {
	return o.secrets(func(c *kubevirtv1.AccessCredential) bool { return c.UserPassword != nil })
}

// choose is the one of names, of which there is one at least, that the user chose.
func (o *common) choose(names []string) (string, error) {
	switch {
	case o.Secret == "" && len(names) == 1:
		return names[0], nil
	case o.Secret == "":
		return "", fmt.Errorf("virtual machine %q has several Secrets for it: choose with --secret one of %s", o.vm.Name, strings.Join(names, ", "))
	case !slices.Contains(names, o.Secret):
		return "", o.unassigned(names)
	default:
		return o.Secret, nil
	}
}

func (o *common) unassigned(names []string) error {
	return fmt.Errorf("--secret must be one that virtual machine %q has for it, not %q: %s", o.vm.Name, o.Secret, strings.Join(names, ", "))
}

// checkOwner refuses a Secret that is not the machine's own, unless forced to.
func (o *common) checkOwner(secret *corev1.Secret) error {
	if o.Force {
		return nil
	}
	for _, owner := range secret.OwnerReferences {
		if owner.Kind == machineKind && owner.Name == o.vm.Name && owner.UID == o.vm.UID {
			return nil
		}
	}
	return &machines.Hinted{
		Err: fmt.Errorf("virtual machine %q does not own Secret %q, which others may use", o.vm.Name, secret.Name),
		Hints: []string{
			"Who owns it: " + o.client.Command("get secret %s -o jsonpath={.metadata.ownerReferences}", secret.Name),
			"Add --force to change it all the same",
		},
	}
}
