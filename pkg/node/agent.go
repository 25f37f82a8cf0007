// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller/queue"
	"github.com/virt-apiserver/virt-apiserver/pkg/generated/clientset/versioned"
	kubevirtinformers "github.com/virt-apiserver/virt-apiserver/pkg/generated/informers/externalversions/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/node/probe"
	"github.com/virt-apiserver/virt-apiserver/pkg/workload"
)

const (
	// workers start guests side by side; most of their time they wait for libvirt.
	workers = 16
	// resync looks at every instance again, should an event ever have been lost.
	resync = 10 * time.Minute
)

// Launcher runs the domains of the node; api.Client is one.
type Launcher interface {
	Health(ctx context.Context) (*api.Health, error)
	List(ctx context.Context) ([]api.DomainStatus, error)
	Start(ctx context.Context, request *api.StartRequest) (*api.DomainStatus, error)
	Shutdown(ctx context.Context, namespace, name string, request api.ShutdownRequest) error
	Resize(ctx context.Context, domain api.Target, request api.ResizeRequest) (*api.DomainStatus, error)
	Plug(ctx context.Context, domain api.Target, request api.PlugRequest) (*api.DomainStatus, error)
	Unplug(ctx context.Context, domain api.Target, request api.UnplugRequest) (*api.DomainStatus, error)
	SetInterface(ctx context.Context, domain api.Target, request api.InterfaceRequest) (*api.DomainStatus, error)
	Delete(ctx context.Context, namespace, name string, uid types.UID) error
	Kept(ctx context.Context) ([]api.Kept, error)
	Forget(ctx context.Context, kept api.Kept) error
	Call(ctx context.Context, domain api.Target, action string, in, out any) error
	Watch(ctx context.Context, handle func(api.Event) error) error
}

// Volumes finds the disks behind claims.
type Volumes interface {
	// Locate returns the absolute path of the claim's disk on this node.
	Locate(ctx context.Context, claim *corev1.PersistentVolumeClaim) (string, error)
}

// Config is what an Agent needs. All but ContainerDisks, Network and Clock is required.
type Config struct {
	// NodeName is the node whose instances are the agent's.
	NodeName string
	// Clientset reads and writes instances.
	Clientset versioned.Interface
	// Core reads secrets and claims.
	Core kubernetes.Interface
	// Launcher of the node.
	Launcher Launcher
	// Volumes of the node.
	Volumes Volumes
	// ContainerDisks of the node; nil where there are none.
	ContainerDisks workload.ContainerDisks
	// Network of the node; nil where there is QEMU's own user-mode network alone.
	Network Network
	// Recorder tells users of what happens to their instances.
	Recorder record.EventRecorder
	// Clock is the real one where it is absent.
	Clock clock.PassiveClock
}

// Agent is the agent of one node.
type Agent struct {
	Config
	instances cache.SharedIndexInformer
	domains   *domains
	queue     *queue.Queue[types.NamespacedName]

	efforts efforts
	// swept has a value while kept state is to be looked at.
	swept  chan struct{}
	keys   *keyring
	probes *probe.Prober
}

// New returns an Agent; Run runs it.
func New(config Config) *Agent {
	if config.Clock == nil {
		config.Clock = clock.RealClock{}
	}
	if config.Network == nil {
		config.Network = noNetwork{}
	}
	agent := &Agent{
		Config:    config,
		instances: newInformer(config),
		domains:   newDomains(),
		queue:     queue.New[types.NamespacedName]("node"),
		efforts:   efforts{byKey: map[types.NamespacedName]effort{}},
		swept:     make(chan struct{}, 1),
		keys:      newKeyring(),
	}
	agent.probes = probe.New(agent.queue.Add)
	if config.ContainerDisks != nil {
		config.ContainerDisks.OnChange(agent.queue.Add)
	}
	return agent
}

func newInformer(config Config) cache.SharedIndexInformer {
	return kubevirtinformers.NewFilteredVirtualMachineInstanceInformer(config.Clientset, metav1.NamespaceAll, resync, cache.Indexers{},
		func(options *metav1.ListOptions) {
			options.FieldSelector = fields.OneTermEqualSelector("status.nodeName", config.NodeName).String()
		})
}

// Run works until ctx is done, and then returns nil once nothing of it runs any more. Guests run on. An
// agent runs once.
func (a *Agent) Run(ctx context.Context) error {
	_, err := a.instances.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    a.enqueue,
		UpdateFunc: func(_, object any) { a.enqueue(object) },
		DeleteFunc: a.enqueue,
	})
	if err != nil {
		return fmt.Errorf("watch instances: %w", err)
	}
	var running sync.WaitGroup
	defer running.Wait()
	defer a.probes.Wait()
	running.Go(func() { a.instances.RunWithContext(ctx) })
	if !cache.WaitForCacheSync(ctx.Done(), a.instances.HasSynced) {
		return nil
	}
	running.Go(func() { a.watchDomains(ctx) })
	running.Go(func() { a.keepSweeping(ctx) })
	running.Go(func() { a.keys.queue.Run(ctx, keyringWorkers, a.giveCredentials) })
	a.queue.Run(ctx, workers, a.reconcile)
	return nil
}

func (a *Agent) enqueue(object any) {
	key, err := cache.DeletionHandlingObjectToName(object)
	if err != nil {
		return
	}
	a.queue.Add(types.NamespacedName{Namespace: key.Namespace, Name: key.Name})
}

// enqueueAll has every instance and every domain looked at.
func (a *Agent) enqueueAll() {
	for _, object := range a.instances.GetStore().List() {
		a.enqueue(object)
	}
	for _, key := range a.domains.keys() {
		a.queue.Add(key)
	}
	for _, user := range a.Network.Users() {
		a.queue.Add(user.Machine)
	}
}

// instance returns the instance as the cache has it, or nil. The selector is the server's to apply; an
// instance of another node is never the agent's, whatever the server sent.
func (a *Agent) instance(key types.NamespacedName) *kubevirtv1.VirtualMachineInstance {
	object, found, err := a.instances.GetStore().GetByKey(key.String())
	if err != nil || !found {
		return nil
	}
	vmi := object.(*kubevirtv1.VirtualMachineInstance)
	if vmi.Status.NodeName != a.NodeName {
		return nil
	}
	return vmi
}

// watchDomains follows the launcher, for as long as ctx lasts, through its restarts.
func (a *Agent) watchDomains(ctx context.Context) {
	logger := klog.FromContext(ctx)
	for ctx.Err() == nil {
		err := a.Launcher.Watch(ctx, func(event api.Event) error {
			a.handle(event)
			return nil
		})
		a.domains.lose()
		if ctx.Err() != nil {
			return
		}
		logger.V(2).Info("Lost the launcher, asking again", "err", err)
		select {
		case <-ctx.Done():
		case <-time.After(watchRetry):
		}
	}
}

// watchRetry is short: a launcher that was replaced is back within a moment.
const watchRetry = 200 * time.Millisecond

func (a *Agent) handle(event api.Event) {
	if a.domains.apply(event) {
		a.queue.Add(keyOf(event.Status))
	}
	if event.Type == api.EventSynced {
		a.enqueueAll()
		a.sweepSoon()
	}
}

func keyOf(domain api.DomainStatus) types.NamespacedName {
	return types.NamespacedName{Namespace: domain.Namespace, Name: domain.Name}
}
