// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt/machines"
)

// SetPasswordOptions are the options of set-password.
type SetPasswordOptions struct {
	common
	// Password itself, or PasswordFile, which is - for standard input.
	Password, PasswordFile string
}

func newSetPasswordCommand(flags genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	o := &SetPasswordOptions{common: common{flags: flags, streams: streams}}
	command := &cobra.Command{
		Use:   "set-password VM",
		Short: "Set the password of a user of the guest",
		Long: "Set the password of a user of the guest.\n\n" +
			"It goes into the Secret with passwords that the machine's accessCredentials name, and from there into the guest while\n" +
			"it runs. Others on this computer may read a command line: better is --password-file.",
		Example: `  # Ask for the password of me in the guest of web
  read -rs password && printf %s "$password" | kubectl virt credentials set-password web --user me --password-file -

  # In a Secret that the machine does not own
  kubectl virt credentials set-password web --user me --password-file password.txt --force`,
		RunE: func(command *cobra.Command, args []string) error {
			if err := o.Validate(); err != nil {
				return fmt.Errorf("%w\nSee %s --help", err, command.CommandPath())
			}
			password, err := o.password()
			if err != nil {
				return err
			}
			if err := o.complete(command.Context(), args[0]); err != nil {
				return err
			}
			return o.Run(command.Context(), password)
		},
	}
	o.addFlags(command, "Secret with passwords, where the machine has several.", "Change a Secret that the machine does not own.")
	command.Flags().StringVarP(&o.Password, "password", "p", o.Password, "The password itself.")
	command.Flags().StringVar(&o.PasswordFile, "password-file", o.PasswordFile, "File with the password, or - for standard input. The end of its line is not part of it.")
	command.MarkFlagsMutuallyExclusive("password", "password-file")
	// The flag is there, so this can't fail.
	_ = command.MarkFlagFilename("password-file")
	return command
}

// Validate checks what no server is needed for. Users are the keys of the Secret.
func (o *SetPasswordOptions) Validate() error {
	if err := o.validate(); err != nil {
		return err
	}
	if problems := validation.IsConfigMapKey(o.User); len(problems) > 0 {
		return fmt.Errorf("--user: no Secret can hold a password of %q: %s", o.User, problems[0])
	}
	if o.Password == "" && o.PasswordFile == "" {
		return errors.New("--password or --password-file is needed")
	}
	return nil
}

func (o *SetPasswordOptions) password() (string, error) {
	if o.Password != "" {
		return o.Password, nil
	}
	text, err := o.read("password-file", o.PasswordFile)
	if err != nil {
		return "", err
	}
	text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
	switch {
	case text == "":
		return "", errors.New("--password-file: it is empty")
	case strings.ContainsAny(text, "\r\n"):
		return "", errors.New("--password-file: it has more than one line")
	default:
		return text, nil
	}
}

// Run sets the password.
func (o *SetPasswordOptions) Run(ctx context.Context, password string) error {
	secrets := o.passwordSecrets()
	if len(secrets) == 0 {
		return o.explainNone()
	}
	name, err := o.choose(secrets)
	if err != nil {
		return err
	}
	uid, err := o.owned(ctx, name)
	if err != nil {
		return err
	}
	if err := o.client.SetSecretValue(ctx, name, uid, o.User, []byte(password)); err != nil {
		return err
	}
	fmt.Fprintf(o.streams.Out, "secret/%s gets the password of user %s\n", name, o.User)
	return nil
}

// explainNone names the commands that give the machine a Secret with passwords.
func (o *SetPasswordOptions) explainNone() error {
	name := o.vm.Name + "-passwords"
	credential := fmt.Sprintf(`{"userPassword":{"source":{"secret":{"secretName":%q}},"propagationMethod":{"qemuGuestAgent":{}}}}`, name)
	kind, patch := "json", `[{"op":"add","path":"/spec/template/spec/accessCredentials/-","value":`+credential+`}]`
	if len(o.vm.Spec.Template.Spec.AccessCredentials) == 0 {
		kind, patch = "merge", `{"spec":{"template":{"spec":{"accessCredentials":[`+credential+`]}}}}`
	}
	return &machines.Hinted{
		Err: fmt.Errorf("virtual machine %q has no Secret with passwords", o.vm.Name),
		Hints: []string{
			"Make one: " + o.client.Command("create secret generic %s", name),
			"Give it to the machine: " + o.client.Command("patch vm %s --type=%s -p '%s'", o.vm.Name, kind, patch),
			"Then set the password with --force",
		},
	}
}

// owned is the UID of the Secret that the machine owns. One that need not be its own is not read: who may change it
// may not be allowed to.
func (o *SetPasswordOptions) owned(ctx context.Context, name string) (types.UID, error) {
	if o.Force {
		return "", nil
	}
	secret, err := o.client.Secret(ctx, name)
	if err != nil {
		return "", err
	}
	return secret.UID, o.checkOwner(secret)
}
