// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// RemoveKeyOptions are the options of remove-ssh-key.
type RemoveKeyOptions struct {
	common
	keyFlags
}

func newRemoveKeyCommand(flags genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	o := &RemoveKeyOptions{common: common{flags: flags, streams: streams}}
	command := &cobra.Command{
		Use:   "remove-ssh-key VM",
		Short: "Let a user of the guest no longer log in with a key",
		Long: "Let a user of the guest no longer log in with a key.\n\n" +
			"The key goes from each Secret that the machine's accessCredentials name for the user, whatever comment it has there,\n" +
			"and then from the guest.",
		Example: `  # Take a key of me from web
  kubectl virt credentials remove-ssh-key web --user me --file ~/.ssh/id_ed25519.pub

  # From one Secret alone, which the machine does not own
  kubectl virt credentials remove-ssh-key web --user me --secret team --force --value "$(cat key.pub)"`,
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
	o.common.addFlags(command, "Secret to take the key from; by default all with keys of the user.", "Change Secrets that the machine does not own.")
	o.keyFlags.addFlags(command)
	return command
}

// Validate checks what no server is needed for.
func (o *RemoveKeyOptions) Validate() error {
	if err := o.common.validate(); err != nil {
		return err
	}
	return o.keyFlags.validate()
}

// Run removes the keys: from all Secrets, or from none where one that holds a key may not be changed.
func (o *RemoveKeyOptions) Run(ctx context.Context, keys []publicKey) error {
	names := o.keySecrets()
	if o.Secret != "" && len(names) > 0 {
		if !slices.Contains(names, o.Secret) {
			return o.unassigned(names)
		}
		names = []string{o.Secret}
	}
	names, err := o.holding(ctx, names, keys)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		fmt.Fprintf(o.streams.Out, "virtualmachine.kubevirt.io/%s has no Secret with the key of user %s\n", o.vm.Name, o.User)
	}
	for _, name := range names {
		_, err := o.client.ChangeSecret(ctx, name, func(secret *corev1.Secret) (map[string][]byte, error) {
			return o.removal(secret, keys)
		})
		if err != nil && !apierrors.IsNotFound(err) {
			return err
		}
		fmt.Fprintf(o.streams.Out, "secret/%s loses the key of user %s\n", name, o.User)
	}
	return nil
}

// holding are those of names that there are and that hold a key.
func (o *RemoveKeyOptions) holding(ctx context.Context, names []string, keys []publicKey) ([]string, error) {
	var found []string
	for _, name := range names {
		secret, err := o.client.Secret(ctx, name)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		values, err := o.removal(secret, keys)
		if err != nil {
			return nil, err
		}
		if len(values) > 0 {
			found = append(found, name)
		}
	}
	return found, nil
}

func (o *RemoveKeyOptions) removal(secret *corev1.Secret, keys []publicKey) (map[string][]byte, error) {
	values := without(secret.Data, keys)
	if len(values) == 0 {
		return nil, nil
	}
	return values, o.checkOwner(secret)
}
