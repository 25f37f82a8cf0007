// SPDX-License-Identifier: Apache-2.0

package vnc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt/machines"
)

// signature is how every PNG begins.
const signature = "\x89PNG\r\n\x1a\n"

// ScreenshotOptions are the options of vnc screenshot.
type ScreenshotOptions struct {
	flags   genericclioptions.RESTClientGetter
	streams genericiooptions.IOStreams
	// File is where the picture goes; "-" is standard output.
	File string
	// MoveCursor wakes a screen that sleeps.
	MoveCursor bool

	name   string
	client *machines.Client
}

// NewScreenshotCommand returns the command.
func NewScreenshotCommand(flags genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	o := &ScreenshotOptions{flags: flags, streams: streams}
	command := &cobra.Command{
		Use:   "screenshot VM",
		Short: "Take a picture of the screen of a virtual machine",
		Long:  "Take a picture of the screen of a virtual machine, as PNG. It ends nobody's session.",
		Example: `  # Write a picture of the screen of the virtual machine web to a file
  kubectl virt vnc screenshot web -f screen.png

  # Wake the screen first, and look at it at once
  kubectl virt vnc screenshot web --move-cursor -f - | display`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: machines.Complete(flags),
		RunE: func(command *cobra.Command, args []string) error {
			if err := o.Validate(); err != nil {
				return fmt.Errorf("%w\nSee %s --help", err, command.CommandPath())
			}
			if err := o.Complete(args); err != nil {
				return err
			}
			return o.Run(command.Context())
		},
	}
	command.Flags().StringVarP(&o.File, "file", "f", o.File, "File for the picture; - is standard output. Needed.")
	command.Flags().BoolVarP(&o.MoveCursor, "move-cursor", "m", o.MoveCursor, "Move the mouse first, which wakes a screen that sleeps.")
	return command
}

// Validate checks that there is a file.
func (o *ScreenshotOptions) Validate() error {
	if o.File == "" {
		return errors.New("--file says where the picture goes; - is standard output")
	}
	return nil
}

// Complete takes the machine's name and finds the server.
func (o *ScreenshotOptions) Complete(args []string) (err error) {
	o.name = args[0]
	o.client, err = machines.NewClient(o.flags)
	return err
}

// Run takes the picture.
func (o *ScreenshotOptions) Run(ctx context.Context) error {
	picture, err := o.client.Screenshot(ctx, o.name, o.MoveCursor)
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(picture, []byte(signature)) {
		return errors.New("what the server sent is no PNG")
	}
	if o.File == "-" {
		_, err = o.streams.Out.Write(picture)
	} else {
		err = os.WriteFile(o.File, picture, 0o644)
	}
	if err != nil {
		return fmt.Errorf("write the picture: %w", err)
	}
	return nil
}
