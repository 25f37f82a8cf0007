// SPDX-License-Identifier: Apache-2.0

package portforward

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt/machines"
	"github.com/virt-apiserver/virt-apiserver/pkg/node/streams"
)

// Options are the options of port-forward.
type Options struct {
	flags   genericclioptions.RESTClientGetter
	streams genericiooptions.IOStreams
	// Address is where local ports are opened.
	Address string
	// Stdio joins the port to standard input and output, and opens no local one.
	Stdio bool

	target  machines.Target
	ports   []port
	address netip.Addr
	client  *machines.Client
}

// NewCommand returns the command.
func NewCommand(flags genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	o := &Options{flags: flags, streams: streams, Address: "127.0.0.1"}
	command := &cobra.Command{
		Use:   "port-forward TYPE/NAME[/NAMESPACE] [PROTOCOL/]LOCAL[:REMOTE]...",
		Short: "Forward local ports to a virtual machine",
		Long: "Forward local ports to a virtual machine, through the API server. TYPE is vm or vmi, PROTOCOL tcp or udp.\n\n" +
			"It lasts until Ctrl-C. Each connection to a local port becomes one to the guest's. Without LOCAL, as in\n" +
			":80, any free port is taken. With --stdio, standard input and output take the place of the local port.",
		Example: `  # Reach the guest's port 80 as localhost:8080
  kubectl virt port-forward vm/web 8080:80

  # Its name server, and its port 22 as any free port
  kubectl virt port-forward vm/web udp/5353:53 :22

  # Ask it without a local port
  printf 'GET / HTTP/1.0\r\n\r\n' | kubectl virt port-forward vm/web --stdio 80`,
		Args:              cobra.MinimumNArgs(2),
		ValidArgsFunction: machines.CompleteTarget(flags),
		RunE: func(command *cobra.Command, args []string) error {
			if err := o.Complete(args); err != nil {
				return err
			}
			if err := o.Validate(); err != nil {
				return fmt.Errorf("%w\nSee %s --help", err, command.CommandPath())
			}
			return o.Run(command.Context())
		},
	}
	command.Flags().StringVar(&o.Address, "address", o.Address, "IP address to open the local ports at; 0.0.0.0 is every one, for everybody who reaches this machine.")
	command.Flags().BoolVar(&o.Stdio, "stdio", o.Stdio, "Forward standard input and output instead of a local port.")
	return command
}

// Complete takes the target and the ports and finds the server.
func (o *Options) Complete(args []string) (err error) {
	if o.target, err = machines.ParseTarget(args[0]); err != nil {
		return err
	}
	for _, text := range args[1:] {
		port, err := parsePort(text)
		if err != nil {
			return err
		}
		o.ports = append(o.ports, port)
	}
	client, err := machines.NewClient(o.flags)
	if err != nil {
		return err
	}
	o.client = client.In(o.target)
	return nil
}

// Validate checks the address, and that a pipe is joined to one port.
func (o *Options) Validate() (err error) {
	if o.Stdio && len(o.ports) != 1 {
		return errors.New("--stdio forwards one port")
	}
	address := o.Address
	if address == "localhost" {
		address = "127.0.0.1"
	}
	if o.address, err = netip.ParseAddr(address); err != nil {
		return fmt.Errorf("--address must be an IP address, not %q", o.Address)
	}
	return nil
}

// Run forwards until ctx ends, or with --stdio until the guest closes the connection.
func (o *Options) Run(ctx context.Context) error {
	if o.Stdio {
		return o.forwardStdio(ctx)
	}
	return o.forwardAll(ctx)
}

// open opens a connection to the guest's port.
func (o *Options) open(ctx context.Context, port port) (*streams.Socket, error) {
	return o.client.PortForward(ctx, o.target, port.remote, port.protocol)
}

// complain tells why one connection failed; the others go on.
func (o *Options) complain(port port, err error) {
	fmt.Fprintf(o.streams.ErrOut, "Connection to %s of %s: %v\n", port, o.target.Name, err)
}
