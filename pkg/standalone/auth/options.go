// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"fmt"
	"os"

	"github.com/spf13/pflag"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
)

// healthPaths are open to everybody, so that what starts and watches a server needs no credentials.
func healthPaths() []string { return []string{"/livez", "/readyz", "/healthz"} }

// Options are the ways to be known to the server besides its own certificates.
type Options struct {
	// TokenFile names a file of tokens in the format of kube-apiserver's --token-auth-file: lines of
	// token,user,uid,"group,group". It is read again when it changes. Empty for none.
	TokenFile string
}

// AddFlags adds the flags of o.
func (o *Options) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.TokenFile, "token-auth-file", o.TokenFile,
		"If set, the file that will be used to secure the secure port of the API server via token authentication.")
}

// ApplyTo makes config, whose serving options are applied already, know the clients whose certificates the
// authority in clientCAFile signed, and those that hold a token.
func (o *Options) ApplyTo(config *genericapiserver.Config, clientCAFile string) error {
	bundle, err := os.ReadFile(clientCAFile)
	if err != nil {
		return fmt.Errorf("read the authority of clients: %w", err)
	}
	// It is never replaced while the server runs.
	ca, err := dynamiccertificates.NewStaticCAContent("client-ca", bundle)
	if err != nil {
		return fmt.Errorf("read the authority of clients in %s: %w", clientCAFile, err)
	}
	if err := config.Authentication.ApplyClientCert(ca, config.SecureServing); err != nil {
		return fmt.Errorf("ask clients for certificates: %w", err)
	}
	if config.Authentication.Authenticator, err = newAuthenticator(ca, o.TokenFile); err != nil {
		return err
	}
	if config.Authorization.Authorizer, err = newAuthorizer(); err != nil {
		return err
	}
	config.RuleResolver = ruleResolver{}
	return nil
}
