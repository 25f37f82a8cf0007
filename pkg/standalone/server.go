// SPDX-License-Identifier: Apache-2.0

package standalone

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
	"k8s.io/apiserver/pkg/registry/generic"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/klog/v2"

	"github.com/virt-apiserver/virt-apiserver/pkg/apiserver"
	"github.com/virt-apiserver/virt-apiserver/pkg/footprint"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/admission"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/core"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/datadir"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/etcd"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/pki"
)

// Run serves until ctx is done, or until a part fails that the rest can't do without. Guests go on either way.
func Run(ctx context.Context, options *Options) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	footprint.Frugal()

	if err := datadir.Prepare(options.DataDir); err != nil {
		return err
	}
	database, err := etcd.Start(ctx, etcd.Config{Dir: options.path("etcd")})
	if err != nil {
		return err
	}
	// Last: everything else uses it.
	defer database.Close()
	go func() {
		if err, failed := <-database.Err(); failed {
			cancel(fmt.Errorf("etcd stopped: %w", err))
		}
	}()

	certificates := pki.Config{
		Dir:        options.path("pki"),
		Hosts:      []string{options.SecureServing.BindAddress.String()},
		Kubeconfig: options.path("kubeconfig"),
		ServerURL:  options.serverURL(),
	}
	files, err := pki.Ensure(certificates)
	if err != nil {
		return err
	}
	host, err := newHost(ctx, options)
	if err != nil {
		return err
	}
	defer host.close(ctx)
	config, err := options.config(files, database.ServerList(), host)
	if err != nil {
		return err
	}
	clients, err := newClients(config.Generic.LoopbackClientConfig)
	if err != nil {
		return err
	}
	config.Claims = clients.core.CoreV1()
	if config.Generic.AdmissionControl, err = admission.New(clients.core, clients.coreInformers); err != nil {
		return fmt.Errorf("build the admission of namespaces: %w", err)
	}
	server, err := config.New()
	if err != nil {
		return err
	}
	workers, err := host.newWorkers(ctx, clients)
	if err != nil {
		return err
	}
	workers.add(func(ctx context.Context) error { return pki.Run(ctx, certificates) })
	workers.add(func(ctx context.Context) error { return footprint.Run(ctx, isDatabase) })
	// Before etcd closes and after the server stopped, nothing of ours may still be at work.
	defer workers.wait()
	if err := server.AddPostStartHook("standalone-workers", func(hook genericapiserver.PostStartHookContext) error {
		return workers.start(hook.Context)
	}); err != nil {
		return fmt.Errorf("add the workers' hook: %w", err)
	}
	klog.FromContext(ctx).Info("Serving", "url", options.serverURL(), "kubeconfig", certificates.Kubeconfig)
	if err := apiserver.Serve(ctx, server); err != nil {
		return err
	}
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// isDatabase says whether a file is etcd's, which maps it whole.
func isDatabase(path string) bool { return strings.HasSuffix(path, "/etcd/data/member/snap/db") }

// config returns what the server is made of.
func (o *Options) config(files pki.Files, etcdServers []string, host *host) (*apiserver.Config, error) {
	codecs := apiserver.NewCodecs(core.Install)
	config := apiserver.NewGenericConfig(codecs)

	serving := o.SecureServing
	if serving.ServerCert.CertKey.CertFile == "" {
		serving.ServerCert.CertKey.CertFile, serving.ServerCert.CertKey.KeyFile = files.Serving, files.Serving
	}
	if err := serving.ApplyToConfig(&config.Config); err != nil {
		// The library keeps only the text of what the system said.
		if strings.Contains(err.Error(), unix.EADDRINUSE.Error()) {
			return nil, fmt.Errorf("%w: choose another port with --secure-port, or end the program that has this one", err)
		}
		return nil, fmt.Errorf("listen: %w", err)
	}
	if err := o.Authentication.ApplyTo(&config.Config, files.CA); err != nil {
		return nil, err
	}
	storage := apiserver.NewEtcdOptions()
	storage.StorageConfig.Transport.ServerList = etcdServers
	if err := apiserver.ApplyEtcd(storage, &config.Config, codecs); err != nil {
		return nil, fmt.Errorf("use etcd: %w", err)
	}
	extra := func(getter generic.RESTOptionsGetter) (apiserver.ExtraGroups, error) {
		groups, err := core.NewGroups(core.Config{
			Scheme: codecs.Scheme, Codecs: codecs.Factory, Parameters: codecs.Parameters,
			Storage: getter, Authorizer: config.Authorization.Authorizer, Rules: config.RuleResolver,
		})
		if err != nil {
			return apiserver.ExtraGroups{}, err
		}
		host.nodes = groups.Nodes
		return apiserver.ExtraGroups{Legacy: groups.Legacy, Groups: groups.Named, Unwritable: core.Unwritable()}, nil
	}
	return &apiserver.Config{Generic: config, Codecs: codecs, Streams: host.streams, Calls: host.calls, Extra: extra}, nil
}
