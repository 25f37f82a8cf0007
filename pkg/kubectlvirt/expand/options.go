// SPDX-License-Identifier: Apache-2.0

package expand

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/yaml"

	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt/machines"
)

// Options are the options of expand.
type Options struct {
	flags   genericclioptions.RESTClientGetter
	streams genericiooptions.IOStreams
	// VM is the name of a machine that is stored, or File that of a manifest; - is standard input.
	VM, File string
	// Output is json or yaml.
	Output string
}

// NewCommand returns the command.
func NewCommand(flags genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	o := &Options{flags: flags, streams: streams, Output: "yaml"}
	command := &cobra.Command{
		Use:   "expand (--vm VM | --file FILE)",
		Short: "Print a virtual machine with what its instance type and preference give it",
		Example: `  # The virtual machine web, as its guest is made from it
  kubectl virt expand --vm web

  # One that is not stored
  kubectl virt expand --file web.yaml -o json

  # What a new one would be
  kubectl virt create vm --name web | kubectl virt expand --file -`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := o.Validate(); err != nil {
				return fmt.Errorf("%w\nSee %s --help", err, command.CommandPath())
			}
			return o.Run(command.Context())
		},
	}
	command.Flags().StringVar(&o.VM, "vm", o.VM, "Name of a machine that is stored.")
	command.Flags().StringVarP(&o.File, "file", "f", o.File, "Manifest of a machine, or - for standard input.")
	command.Flags().StringVarP(&o.Output, "output", "o", o.Output, "Print json or yaml.")
	command.MarkFlagsMutuallyExclusive("vm", "file")
	// The flag is there, so this can't fail.
	_ = command.RegisterFlagCompletionFunc("vm", machines.Complete(flags))
	return command
}

// Validate checks that there is something to expand, and the output.
func (o *Options) Validate() error {
	switch {
	case o.VM == "" && o.File == "":
		return errors.New("--vm or --file is needed")
	case o.Output != "json" && o.Output != "yaml":
		return fmt.Errorf("--output must be json or yaml, not %q", o.Output)
	default:
		return nil
	}
}

// Run prints the expanded machine.
func (o *Options) Run(ctx context.Context) error {
	client, err := machines.NewClient(o.flags)
	if err != nil {
		return err
	}
	expanded, err := o.expand(ctx, client)
	if err != nil {
		return err
	}
	return o.print(expanded)
}

func (o *Options) expand(ctx context.Context, client *machines.Client) ([]byte, error) {
	if o.VM != "" {
		return client.Expand(ctx, o.VM)
	}
	text, err := o.read()
	if err != nil {
		return nil, fmt.Errorf("--file: %w", err)
	}
	manifest, err := yaml.YAMLToJSON(text)
	if err != nil {
		return nil, fmt.Errorf("--file %s: %w", o.File, err)
	}
	return client.ExpandManifest(ctx, manifest)
}

func (o *Options) read() ([]byte, error) {
	if o.File == "-" {
		return io.ReadAll(o.streams.In)
	}
	return os.ReadFile(o.File)
}

func (o *Options) print(machine []byte) error {
	if o.Output == "yaml" {
		text, err := yaml.JSONToYAML(machine)
		if err != nil {
			return fmt.Errorf("read the server's answer: %w", err)
		}
		_, err = o.streams.Out.Write(text)
		return err
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, machine, "", "  "); err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	_, err := fmt.Fprintln(o.streams.Out, indented.String())
	return err
}
