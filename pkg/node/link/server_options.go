// SPDX-License-Identifier: Apache-2.0

package link

import (
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/spf13/pflag"
)

// ServerOptions say where and to whom an agent listens.
type ServerOptions struct {
	// BindAddress and Port to listen on.
	BindAddress string
	Port        int
	// Certificate and Key are PEM files; the certificate is for the node's name.
	Certificate string
	Key         string
	// ClientCA is a PEM file that clients' certificates are verified against.
	ClientCA string
	// ClientNames are the common names of the certificates of API servers.
	ClientNames []string
}

// NewServerOptions returns the defaults.
func NewServerOptions() *ServerOptions {
	return &ServerOptions{BindAddress: "0.0.0.0", Port: DefaultPort, ClientNames: []string{"virt-apiserver"}}
}

// AddFlags adds the flags to fs.
func (o *ServerOptions) AddFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.BindAddress, "streams-bind-address", o.BindAddress, "Address on which streams are served.")
	fs.IntVar(&o.Port, "streams-port", o.Port, "Port on which streams are served.")
	fs.StringVar(&o.Certificate, "streams-tls-cert-file", o.Certificate, "PEM file with the certificate for this node's name.")
	fs.StringVar(&o.Key, "streams-tls-private-key-file", o.Key, "PEM file with the private key for --streams-tls-cert-file.")
	fs.StringVar(&o.ClientCA, "streams-client-ca-file", o.ClientCA, "PEM file with the authority of the API servers' client certificates.")
	fs.StringSliceVar(&o.ClientNames, "streams-client-names", o.ClientNames, "Common names of the API servers' client certificates.")
}

// Validate returns all that is wrong. The files are not read: they may come later, or be renewed.
func (o *ServerOptions) Validate() []error {
	var errs []error
	if net.ParseIP(o.BindAddress) == nil {
		errs = append(errs, fmt.Errorf("--streams-bind-address must be an IP address, not %q", o.BindAddress))
	}
	if o.Port < 1 || o.Port > 65535 {
		errs = append(errs, fmt.Errorf("--streams-port must be from 1 to 65535, not %d", o.Port))
	}
	for _, file := range []struct{ flag, path string }{
		{"--streams-tls-cert-file", o.Certificate},
		{"--streams-tls-private-key-file", o.Key},
		{"--streams-client-ca-file", o.ClientCA},
	} {
		if file.path == "" {
			errs = append(errs, fmt.Errorf("%s must be given", file.flag))
		}
	}
	if len(o.ClientNames) == 0 {
		errs = append(errs, errors.New("--streams-client-names must name at least one API server"))
	}
	return errs
}

func (o *ServerOptions) address() string {
	return net.JoinHostPort(o.BindAddress, strconv.Itoa(o.Port))
}
