// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt/machines"
)

// AddKeyOptions are the options of add-ssh-key.
type AddKeyOptions struct {
	common
	keyFlags
	// CreateSecret makes a Secret though there is one, and UpdateSecret makes none though there is none.
	CreateSecret, UpdateSecret bool
}

func newAddKeyCommand(flags genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	o := &AddKeyOptions{common: common{flags: flags, streams: streams}}
	command := &cobra.Command{
		Use:   "add-ssh-key VM",
		Short: "Let a user of the guest log in with a key",
		Long: "Let a user of the guest log in with a key.\n\n" +
			"The key goes into the Secret that the machine's accessCredentials name for the user, and from there into the guest\n" +
			"while it runs. Where they name none, the machine gets one, which takes effect when its guest starts. The guest's agent\n" +
			"then sees to the user's keys, and removes those that no Secret holds.",
		Example: `  # Let me log in to web
  kubectl virt credentials add-ssh-key web --user me --file ~/.ssh/id_ed25519.pub

  # Whatever keys the agent here has
  ssh-add -L | kubectl virt credentials add-ssh-key web --user me --file -

  # In a Secret that the machine does not own
  kubectl virt credentials add-ssh-key web --user me --secret team --force --value "$(cat key.pub)"

  # In a Secret of its own, though the guest runs; it takes effect at the next start
  kubectl virt credentials add-ssh-key web --user me --create-secret --force --file key.pub`,
		RunE: func(command *cobra.Command, args []string) error {
			if err := o.Validate(); err != nil {
				return fmt.Errorf("%w\nSee %s --help", err, command.CommandPath())
			}
			keys, err := o.keys(&o.common)
			if err != nil {
				return err
			}
			if err := o.complete(command.Context(), args[0]); err != nil {
				return err
			}
			return o.Run(command.Context(), keys)
		},
	}
	o.common.addFlags(command, "Secret with keys of the user, where the machine has several; the name of one that is made.",
		"Change a Secret that the machine does not own; give the machine a new one though its guest runs.")
	o.keyFlags.addFlags(command)
	command.Flags().BoolVar(&o.CreateSecret, "create-secret", o.CreateSecret, "Make a Secret for the key, and have the machine name it.")
	command.Flags().BoolVar(&o.UpdateSecret, "update-secret", o.UpdateSecret, "Add the key to a Secret that the machine names, and make none.")
	command.MarkFlagsMutuallyExclusive("create-secret", "update-secret")
	return command
}

// Validate checks what no server is needed for.
func (o *AddKeyOptions) Validate() error {
	if err := o.common.validate(); err != nil {
		return err
	}
	return o.keyFlags.validate()
}

// Run adds the keys.
func (o *AddKeyOptions) Run(ctx context.Context, keys []publicKey) error {
	secrets := o.keySecrets()
	switch {
	case o.CreateSecret || len(secrets) == 0 && !o.UpdateSecret:
		return o.create(ctx, keys)
	case len(secrets) == 0:
		return &machines.Hinted{
			Err:   fmt.Errorf("virtual machine %q has no Secret with keys that its guest's agent gives user %q", o.vm.Name, o.User),
			Hints: []string{"Add --create-secret instead of --update-secret to make one"},
		}
	}
	name, err := o.choose(secrets)
	if err != nil {
		return err
	}
	return o.update(ctx, name, keys)
}

func (o *AddKeyOptions) update(ctx context.Context, name string, keys []publicKey) error {
	changed, err := o.client.ChangeSecret(ctx, name, func(secret *corev1.Secret) (map[string][]byte, error) {
		lines := missing(secret.Data, keys)
		if len(lines) == 0 {
			return nil, nil
		}
		return map[string][]byte{newName(secret.Data): lines}, o.checkOwner(secret)
	})
	if err != nil {
		return err
	}
	if !changed {
		fmt.Fprintf(o.streams.Out, "secret/%s has the key of user %s already\n", name, o.User)
		return nil
	}
	fmt.Fprintf(o.streams.Out, "secret/%s gets the key of user %s\n", name, o.User)
	return nil
}
