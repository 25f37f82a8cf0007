// SPDX-License-Identifier: Apache-2.0

package link

import (
	"crypto/x509"
	"fmt"
	"os"

	"github.com/spf13/pflag"
)

// DefaultPort is where agents listen.
const DefaultPort = 8186

// Options say how the API server reaches the agents of nodes.
type Options struct {
	// ClientCertificate and ClientKey are PEM files that identify the API server to agents.
	ClientCertificate string
	ClientKey         string
	// CertificateAuthority is a PEM file that the agents' certificates are verified against.
	CertificateAuthority string
	// Port of the agents, the same on each node.
	Port int
}

// NewOptions returns the defaults.
func NewOptions() *Options {
	return &Options{Port: DefaultPort}
}

// AddFlags adds the flags to fs.
func (o *Options) AddFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.ClientCertificate, "node-client-certificate", o.ClientCertificate,
		"PEM file with the certificate that identifies this server to the agents of nodes. Consoles and the like need it.")
	fs.StringVar(&o.ClientKey, "node-client-key", o.ClientKey,
		"PEM file with the private key for --node-client-certificate.")
	fs.StringVar(&o.CertificateAuthority, "node-certificate-authority", o.CertificateAuthority,
		"PEM file with the authority of the agents' certificates, each of which is for its node's name.")
	fs.IntVar(&o.Port, "node-port", o.Port,
		"Port on which the agents of nodes listen.")
}

// Enabled is true where agents can be reached at all.
func (o *Options) Enabled() bool {
	return o.ClientCertificate != ""
}

// Validate returns all that is wrong. The files are not read: they may come later, or be renewed.
func (o *Options) Validate() []error {
	var errs []error
	if o.Port < 1 || o.Port > 65535 {
		errs = append(errs, fmt.Errorf("--node-port must be from 1 to 65535, not %d", o.Port))
	}
	given := 0
	for _, file := range []string{o.ClientCertificate, o.ClientKey, o.CertificateAuthority} {
		if file != "" {
			given++
		}
	}
	if given != 0 && given != 3 {
		errs = append(errs, fmt.Errorf("--node-client-certificate, --node-client-key and --node-certificate-authority must be given together"))
	}
	return errs
}

// certificatePool reads the PEM certificates of file.
func certificatePool(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the certificate authority: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read the certificate authority: %s holds no PEM certificate", file)
	}
	return pool, nil
}
