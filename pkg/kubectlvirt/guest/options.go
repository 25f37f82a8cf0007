// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/yaml"

	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt/machines"
)

// Options are the options of the three verbs.
type Options struct {
	flags   genericclioptions.RESTClientGetter
	streams genericiooptions.IOStreams
	// Output is json, yaml or table.
	Output string

	question question
	name     string
	client   *machines.Client
}

// question is what a verb asks of the agent.
type question struct {
	action string
	// answer is for the answer, and table writes it for people.
	answer any
	table  func(io.Writer)
}

func newCommand(o *Options, command *cobra.Command) *cobra.Command {
	o.Output = "json"
	command.Args = cobra.ExactArgs(1)
	command.ValidArgsFunction = machines.Complete(o.flags)
	command.RunE = func(command *cobra.Command, args []string) error {
		if err := o.Validate(); err != nil {
			return fmt.Errorf("%w\nSee %s --help", err, command.CommandPath())
		}
		if err := o.Complete(args); err != nil {
			return err
		}
		return o.Run(command.Context())
	}
	command.Flags().StringVarP(&o.Output, "output", "o", o.Output, "Print json, yaml or table.")
	return command
}

// Validate checks the output.
func (o *Options) Validate() error {
	switch o.Output {
	case "json", "yaml", "table":
		return nil
	default:
		return fmt.Errorf("--output must be json, yaml or table, not %q", o.Output)
	}
}

// Complete takes the machine's name and finds the server.
func (o *Options) Complete(args []string) (err error) {
	o.name = args[0]
	o.client, err = machines.NewClient(o.flags)
	return err
}

// Run prints what the agent tells.
func (o *Options) Run(ctx context.Context) error {
	if err := o.client.Guest(ctx, o.name, o.question.action, o.question.answer); err != nil {
		return err
	}
	switch o.Output {
	case "yaml":
		text, err := yaml.Marshal(o.question.answer)
		if err != nil {
			return err
		}
		_, err = o.streams.Out.Write(text)
		return err
	case "table":
		writer := tabwriter.NewWriter(o.streams.Out, 0, 8, 3, ' ', 0)
		o.question.table(writer)
		return writer.Flush()
	default:
		encoder := json.NewEncoder(o.streams.Out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(o.question.answer)
	}
}
