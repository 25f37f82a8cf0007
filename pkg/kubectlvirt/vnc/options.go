// SPDX-License-Identifier: Apache-2.0

package vnc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt/machines"
)

const loopback = "127.0.0.1"

// Options are the options of vnc.
type Options struct {
	flags   genericclioptions.RESTClientGetter
	streams genericiooptions.IOStreams
	// ProxyOnly starts no viewer.
	ProxyOnly bool
	// Address is where the port is opened, with ProxyOnly.
	Address string
	// Port is 0 for any free one.
	Port uint16
	// PreserveSession has nobody's session ended.
	PreserveSession bool

	name    string
	address netip.AddrPort
	client  *machines.Client
}

// NewCommand returns the command, and screenshot below it.
func NewCommand(flags genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	o := &Options{flags: flags, streams: streams, Address: loopback}
	command := &cobra.Command{
		Use:   "vnc VM",
		Short: "Open the screen of a virtual machine",
		Long: "Open the screen of a virtual machine in remote-viewer or vncviewer, whichever is installed.\n\n" +
			"A screen has one session: a newer one ends an older one, unless --preserve-session says otherwise.",
		Example: `  # Open the screen of the virtual machine web
  kubectl virt vnc web

  # For a viewer of one's own: prints {"port":5900}
  kubectl virt vnc web --proxy-only --port 5900

  # Only if nobody else looks at it
  kubectl virt vnc web --preserve-session`,
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
	command.Flags().BoolVar(&o.ProxyOnly, "proxy-only", o.ProxyOnly, "Start no viewer: print the local port and wait for one.")
	command.Flags().StringVar(&o.Address, "address", o.Address, "IP address to open the local port at, with --proxy-only; 0.0.0.0 is every one, for everybody who reaches this machine.")
	command.Flags().Uint16Var(&o.Port, "port", o.Port, "Local port; any free one if it is not given.")
	command.Flags().BoolVar(&o.PreserveSession, "preserve-session", o.PreserveSession, "Fail rather than end a session that is open.")
	command.AddCommand(NewScreenshotCommand(flags, streams))
	return command
}

// Validate checks the address.
func (o *Options) Validate() error {
	text := o.Address
	if text == "localhost" {
		text = loopback
	}
	address, err := netip.ParseAddr(text)
	switch {
	case err != nil:
		return fmt.Errorf("--address must be an IP address, not %q", o.Address)
	case !o.ProxyOnly && address != netip.AddrFrom4([4]byte{127, 0, 0, 1}):
		return errors.New("--address is for --proxy-only: a viewer that is started here needs none")
	}
	o.address = netip.AddrPortFrom(address, o.Port)
	return nil
}

// Complete takes the machine's name and finds the server.
func (o *Options) Complete(args []string) (err error) {
	o.name = args[0]
	o.client, err = machines.NewClient(o.flags)
	return err
}

// Run shows the screen until the viewer, the guest or ctx ends the session.
func (o *Options) Run(ctx context.Context) error {
	viewer, err := o.findViewer()
	if err != nil {
		return err
	}
	listener, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(o.address))
	if err != nil {
		return &machines.Hinted{Err: fmt.Errorf("open the local port: %w", err), Hints: []string{"Leave --port out: any free one is taken then"}}
	}
	defer listener.Close()
	socket, err := o.client.Screen(ctx, o.name, o.PreserveSession)
	if err != nil {
		return err
	}
	return o.show(ctx, listener, socket, viewer)
}
