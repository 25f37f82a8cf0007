// SPDX-License-Identifier: Apache-2.0

package version

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"
	apimachineryversion "k8s.io/apimachinery/pkg/version"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/yaml"

	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt/machines"
	"github.com/virt-apiserver/virt-apiserver/pkg/version"
)

// Options are the options of version.
type Options struct {
	flags   genericclioptions.RESTClientGetter
	streams genericiooptions.IOStreams
	// ClientOnly asks no server.
	ClientOnly bool
	// Output is "", json or yaml.
	Output string

	client *machines.Client
}

// answer is what json and yaml show.
type answer struct {
	Client apimachineryversion.Info  `json:"clientVersion"`
	Server *apimachineryversion.Info `json:"serverVersion,omitempty"`
}

// NewCommand returns the command.
func NewCommand(flags genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	o := &Options{flags: flags, streams: streams}
	command := &cobra.Command{
		Use:   "version",
		Short: "Print the versions of this plugin and of the server",
		Example: `  # Both versions
  kubectl virt version

  # Without a server
  kubectl virt version --client`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := o.Validate(); err != nil {
				return err
			}
			if err := o.Complete(); err != nil {
				return err
			}
			return o.Run(command)
		},
	}
	command.Flags().BoolVarP(&o.ClientOnly, "client", "c", o.ClientOnly, "Print the version of this plugin only; no server is asked.")
	command.Flags().StringVarP(&o.Output, "output", "o", o.Output, "Print json or yaml.")
	return command
}

// Validate checks the output.
func (o *Options) Validate() error {
	switch o.Output {
	case "", "json", "yaml":
		return nil
	default:
		return fmt.Errorf("--output must be json or yaml, not %q", o.Output)
	}
}

// Complete finds the server.
func (o *Options) Complete() (err error) {
	if !o.ClientOnly {
		o.client, err = machines.NewClient(o.flags)
	}
	return err
}

// Run prints the client's version even if the server does not tell its own.
func (o *Options) Run(command *cobra.Command) error {
	versions := answer{Client: version.Get()}
	var err error
	if !o.ClientOnly {
		versions.Server, err = o.client.ServerVersion(command.Context())
	}
	if printErr := o.print(versions); printErr != nil {
		return printErr
	}
	return err
}

func (o *Options) print(versions answer) error {
	switch o.Output {
	case "json":
		encoder := json.NewEncoder(o.streams.Out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(versions)
	case "yaml":
		text, err := yaml.Marshal(versions)
		if err != nil {
			return err
		}
		_, err = o.streams.Out.Write(text)
		return err
	}
	fmt.Fprintf(o.streams.Out, "Client Version: %s\n", versions.Client.GitVersion)
	if versions.Server != nil {
		fmt.Fprintf(o.streams.Out, "Server Version: %s\n", versions.Server.GitVersion)
	}
	return nil
}
