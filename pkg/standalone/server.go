// SPDX-License-Identifier: Apache-2.0

package standalone

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/klog/v2"

	"github.com/virt-apiserver/virt-apiserver/pkg/apiserver"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/etcd"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/pki"
)

// Run serves until ctx is done, or until a part fails that the rest can't do without. Guests go on either way.
func Run(ctx context.Context, options *Options) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	log := klog.FromContext(ctx)

	if err := prepareDataDir(options.DataDir); err != nil {
		return err
	}
	database, err := etcd.Start(ctx, etcd.Config{Dir: filepath.Join(options.DataDir, "etcd")})
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
		Dir:        filepath.Join(options.DataDir, "pki"),
		Hosts:      []string{options.SecureServing.BindAddress.String()},
		Kubeconfig: filepath.Join(options.DataDir, "kubeconfig"),
		ServerURL:  options.ServerURL(),
	}
	files, err := pki.Ensure(certificates)
	if err != nil {
		return err
	}
	config, err := options.config(files, database.ServerList())
	if err != nil {
		return err
	}
	server, err := config.New()
	if err != nil {
		return err
	}
	log.Info("Serving", "url", options.ServerURL(), "kubeconfig", certificates.Kubeconfig)
	if err := apiserver.Serve(ctx, server); err != nil {
		return err
	}
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// prepareDataDir makes the directory. Others may pass through it, but not look: QEMU runs as a user of its
// own and has to reach its disks below it.
func prepareDataDir(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return fmt.Errorf("make the data directory's parent: %w", err)
	}
	if err := os.Mkdir(dir, 0o711); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("make the data directory: %w", err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		return fmt.Errorf("make the data directory ours: %w; run as its owner, or choose another with --data-dir", err)
	}
	return nil
}

// config returns what the server is made of.
func (o *Options) config(files pki.Files, etcdServers []string) (*apiserver.Config, error) {
	codecs := apiserver.NewCodecs()
	config := apiserver.NewGenericConfig(codecs)

	serving := o.SecureServing
	if serving.ServerCert.CertKey.CertFile == "" {
		serving.ServerCert.CertKey.CertFile, serving.ServerCert.CertKey.KeyFile = files.Serving, files.Serving
	}
	if err := serving.ApplyToConfig(&config.Config); err != nil {
		if isAddressInUse(err) {
			err = fmt.Errorf("%w; another program has the port: choose another with --secure-port", err)
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
	return &apiserver.Config{Generic: config, Codecs: codecs}, nil
}

func isAddressInUse(err error) bool {
	var operation *net.OpError
	return errors.As(err, &operation) && operation.Op == "listen"
}

var _ = genericapiserver.DefaultLegacyAPIPrefix
