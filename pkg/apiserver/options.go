// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	genericapiserver "k8s.io/apiserver/pkg/server"
	genericoptions "k8s.io/apiserver/pkg/server/options"
	"k8s.io/client-go/kubernetes"
	cliflag "k8s.io/component-base/cli/flag"

	"github.com/virt-apiserver/virt-apiserver/pkg/node/calls"
	"github.com/virt-apiserver/virt-apiserver/pkg/node/link"
	"github.com/virt-apiserver/virt-apiserver/pkg/node/streams"
)

// Options configure a server behind kube-apiserver: it delegates authentication and authorisation, and
// runs the cluster's admission plugins.
type Options struct {
	Run         *genericoptions.ServerRunOptions
	Recommended *genericoptions.RecommendedOptions
	Node        *link.Options
}

// NewOptions returns the defaults.
func NewOptions() *Options {
	recommended := genericoptions.NewRecommendedOptions(DefaultEtcdPrefix, nil)
	recommended.Etcd = NewEtcdOptions()
	return &Options{
		Run:         genericoptions.NewServerRunOptions(),
		Recommended: recommended,
		Node:        link.NewOptions(),
	}
}

// AddFlags adds all flags, in named sets for the help text.
func (o *Options) AddFlags(fss *cliflag.NamedFlagSets) {
	o.Run.AddUniversalFlags(fss.FlagSet("generic"))
	o.Recommended.Etcd.AddFlags(fss.FlagSet("etcd"))
	o.Recommended.SecureServing.AddFlags(fss.FlagSet("secure serving"))
	o.Recommended.Authentication.AddFlags(fss.FlagSet("authentication"))
	o.Recommended.Authorization.AddFlags(fss.FlagSet("authorization"))
	o.Recommended.Audit.AddFlags(fss.FlagSet("auditing"))
	o.Recommended.Features.AddFlags(fss.FlagSet("features"))
	o.Recommended.CoreAPI.AddFlags(fss.FlagSet("core API"))
	o.Recommended.Admission.AddFlags(fss.FlagSet("admission"))
	o.Recommended.EgressSelector.AddFlags(fss.FlagSet("egress selector"))
	o.Recommended.Traces.AddFlags(fss.FlagSet("traces"))
	o.Node.AddFlags(fss.FlagSet("nodes"))
}

// Validate returns all that is wrong.
func (o *Options) Validate() error {
	errs := append(o.Run.Validate(), o.Recommended.Validate()...)
	errs = append(errs, o.Node.Validate()...)
	return errors.Join(errs...)
}

// Config connects to etcd and to kube-apiserver and returns what the server is made of.
func (o *Options) Config() (*Config, error) {
	codecs := NewCodecs()
	config := NewGenericConfig(codecs)
	if err := o.Run.ApplyTo(&config.Config); err != nil {
		return nil, fmt.Errorf("apply the generic options: %w", err)
	}
	if err := ApplyEtcd(o.Recommended.Etcd, &config.Config, codecs); err != nil {
		return nil, fmt.Errorf("apply the etcd options: %w", err)
	}
	// Etcd is applied above, with a storage factory that knows more than one group.
	rest := *o.Recommended
	rest.Etcd = nil
	if err := rest.ApplyTo(config); err != nil {
		return nil, fmt.Errorf("apply the options: %w", err)
	}
	if err := guardFrontProxies(&config.Authentication); err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(config.ClientConfig)
	if err != nil {
		return nil, fmt.Errorf("build a client of kube-apiserver: %w", err)
	}
	nodes := func(ctx context.Context, name string) (*corev1.Node, error) {
		return client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	}
	agents := link.NewAgents(*o.Node, nodes)
	return &Config{
		Generic: config, Codecs: codecs, Streams: streams.NewDialer(agents), Calls: calls.NewDialer(agents), Claims: client.CoreV1(),
	}, nil
}

// Run serves until ctx is done, and then until what was asked before is answered.
func (c *Config) Run(ctx context.Context) error {
	server, err := c.New()
	if err != nil {
		return err
	}
	if err := server.AddPostStartHook("log-verbosity", runVerbosity); err != nil {
		return fmt.Errorf("add the hook of the verbosity: %w", err)
	}
	return Serve(ctx, server)
}

// Serve runs server until ctx is done, and then until what was asked before is answered.
func Serve(ctx context.Context, server *genericapiserver.GenericAPIServer) error {
	if err := server.PrepareRun().RunWithContext(ctx); err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}
