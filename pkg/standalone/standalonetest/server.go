// SPDX-License-Identifier: Apache-2.0

// Package standalonetest gives tests a whole standalone API server within their process: real etcd, real
// certificates, all API groups, but no controllers and no node.
package standalonetest

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apiserver/pkg/registry/generic"
	genericoptions "k8s.io/apiserver/pkg/server/options"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/virt-apiserver/virt-apiserver/pkg/apiserver"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/admission"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/auth"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/core"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/etcd"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/pki"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/volumes"
)

// BobsToken is the token of a user who has no rights.
const BobsToken = "bobs-token"

// Server is a running server.
type Server struct {
	// Admin is what the administrator's kubeconfig says.
	Admin *rest.Config
	// Kube speaks to the server as the administrator.
	Kube kubernetes.Interface
	// Kubeconfig is the administrator's file.
	Kubeconfig string
	// Nodes are for tests to report.
	Nodes *core.Nodes
}

// Main runs the tests of a package with a server, which it first hands to use.
func Main(m *testing.M, use func(*Server)) {
	os.Exit(run(m, use))
}

func run(m *testing.M, use func(*Server)) int {
	dir, err := os.MkdirTemp("", "standalonetest")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithCancel(context.Background())
	server, done, err := start(ctx, dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, "start a server:", err)
		cancel()
		return 1
	}
	use(server)
	code := m.Run()
	cancel()
	if err := <-done; err != nil {
		fmt.Fprintln(os.Stderr, "stop the server:", err)
		return 1
	}
	return code
}

// start returns a server that is ready; done tells when it has ended, after ctx.
func start(ctx context.Context, dir string) (_ *Server, done <-chan error, err error) {
	database, err := etcd.Start(ctx, etcd.Config{Dir: filepath.Join(dir, "etcd")})
	if err != nil {
		return nil, nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	kubeconfig := filepath.Join(dir, "kubeconfig")
	files, err := pki.Ensure(pki.Config{Dir: filepath.Join(dir, "pki"), Kubeconfig: kubeconfig, ServerURL: "https://" + listener.Addr().String()})
	if err != nil {
		return nil, nil, err
	}
	tokens := filepath.Join(dir, "tokens.csv")
	if err := os.WriteFile(tokens, []byte(BobsToken+",bob,1,staff\n"), 0o600); err != nil {
		return nil, nil, err
	}
	ended := make(chan error, 1)
	var nodes *core.Nodes
	config, err := newConfig(ctx, listener, files, database.ServerList(), tokens, func(groups *core.Groups) { nodes = groups.Nodes })
	if err != nil {
		return nil, nil, err
	}
	api, err := config.New()
	if err != nil {
		return nil, nil, err
	}
	go func() {
		err := apiserver.Serve(ctx, api)
		database.Close()
		ended <- err
	}()
	server, err := connect(ctx, kubeconfig)
	if err != nil {
		return nil, nil, err
	}
	server.Nodes = nodes
	return server, ended, nil
}

func newConfig(ctx context.Context, listener net.Listener, files pki.Files, etcdServers []string, tokens string,
	built func(*core.Groups),
) (*apiserver.Config, error) {
	codecs := apiserver.NewCodecs(core.Install)
	config := apiserver.NewGenericConfig(codecs)
	serving := genericoptions.NewSecureServingOptions().WithLoopback()
	serving.Listener = listener
	serving.ServerCert.CertKey = genericoptions.CertKey{CertFile: files.Serving, KeyFile: files.Serving}
	if err := serving.ApplyToConfig(&config.Config); err != nil {
		return nil, err
	}
	if err := (&auth.Options{TokenFile: tokens}).ApplyTo(&config.Config, files.CA); err != nil {
		return nil, err
	}
	storage := apiserver.NewEtcdOptions()
	storage.StorageConfig.Transport.ServerList = etcdServers
	if err := apiserver.ApplyEtcd(storage, &config.Config, codecs); err != nil {
		return nil, err
	}
	loopback, err := kubernetes.NewForConfig(config.LoopbackClientConfig)
	if err != nil {
		return nil, err
	}
	factory := informers.NewSharedInformerFactory(loopback, 0)
	if config.AdmissionControl, err = admission.New(loopback, factory); err != nil {
		return nil, err
	}
	factory.Start(ctx.Done())
	return &apiserver.Config{Generic: config, Codecs: codecs, Claims: loopback.CoreV1(), Extra: func(getter generic.RESTOptionsGetter) (apiserver.ExtraGroups, error) {
		groups, err := core.NewGroups(core.Config{
			Scheme: codecs.Scheme, Codecs: codecs.Factory, Parameters: codecs.Parameters, Storage: getter,
			Authorizer: config.Authorization.Authorizer, Rules: config.RuleResolver,
		})
		if err != nil {
			return apiserver.ExtraGroups{}, err
		}
		built(groups)
		return apiserver.ExtraGroups{Legacy: groups.Legacy, Groups: groups.Named, Unwritable: core.Unwritable()}, nil
	}}, nil
}

func connect(ctx context.Context, kubeconfig string) (*Server, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	kube, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	ready := func(ctx context.Context) (bool, error) {
		body, err := kube.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		return err == nil && string(body) == "ok", nil
	}
	if err := wait.PollUntilContextTimeout(ctx, 20*time.Millisecond, time.Minute, true, ready); err != nil {
		return nil, fmt.Errorf("wait until it is ready: %w", err)
	}
	return &Server{Admin: config, Kube: kube, Kubeconfig: kubeconfig}, core.Bootstrap(ctx, kube, volumes.StorageClass())
}
