// SPDX-License-Identifier: Apache-2.0

package registrytest

import (
	"fmt"
	"net/url"
	"os"
	"sync/atomic"
	"testing"

	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apiserver/pkg/registry/generic"
	genericoptions "k8s.io/apiserver/pkg/server/options"
	serverstorage "k8s.io/apiserver/pkg/server/storage"
	"k8s.io/apiserver/pkg/storage/storagebackend"

	"github.com/virt-apiserver/virt-apiserver/pkg/apis/install"
)

// Etcd is one etcd for all tests of a package.
type Etcd struct {
	endpoint string
	users    atomic.Int64
}

// Main runs the tests with the etcd and returns the code to exit with.
func (e *Etcd) Main(m *testing.M) int {
	stop, err := e.start()
	if err != nil {
		fmt.Fprintln(os.Stderr, "start etcd for tests:", err)
		return 1
	}
	defer stop()
	return m.Run()
}

func (e *Etcd) start() (stop func(), err error) {
	dir, err := os.MkdirTemp("", "registrytest-")
	if err != nil {
		return nil, err
	}
	local := []url.URL{{Scheme: "http", Host: "127.0.0.1:0"}}
	cfg := embed.NewConfig()
	cfg.Dir = dir
	cfg.LogLevel = "error"
	cfg.UnsafeNoFsync = true
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls, cfg.ListenClientUrls, cfg.AdvertiseClientUrls = local, local, local, local
	cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)
	etcd, err := embed.StartEtcd(cfg)
	if err != nil {
		return nil, err
	}
	<-etcd.Server.ReadyNotify()
	e.endpoint = "http://" + etcd.Clients[0].Addr().String()
	return func() {
		etcd.Close()
		_ = os.RemoveAll(dir)
	}, nil
}

// Storage returns what a store is completed with. Each test has keys of its own.
func (e *Etcd) Storage(t *testing.T) (generic.RESTOptionsGetter, *runtime.Scheme) {
	t.Helper()
	scheme := runtime.NewScheme()
	install.Install(scheme)
	backend := storagebackend.NewDefaultConfig(fmt.Sprintf("/test-%d", e.users.Add(1)), nil)
	backend.Transport.ServerList = []string{e.endpoint}
	options := genericoptions.NewEtcdOptions(backend)
	options.EnableWatchCache = false
	factory := serverstorage.NewDefaultStorageFactory(*backend, runtime.ContentTypeJSON, serializer.NewCodecFactory(scheme),
		serverstorage.NewDefaultResourceEncodingConfig(scheme), serverstorage.NewResourceConfig(), nil)
	return options.CreateRESTOptionsGetter(factory, nil), scheme
}
