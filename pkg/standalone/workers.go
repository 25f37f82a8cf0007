// SPDX-License-Identifier: Apache-2.0

package standalone

import (
	"context"
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"

	"github.com/virt-apiserver/virt-apiserver/pkg/controller"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller/clone"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller/datavolume"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller/garbagecollector"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller/namespace"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller/verbosity"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller/virtualmachine"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller/virtualmachineinstance"
	"github.com/virt-apiserver/virt-apiserver/pkg/generated/clientset/versioned"
	"github.com/virt-apiserver/virt-apiserver/pkg/generated/informers/externalversions"
	"github.com/virt-apiserver/virt-apiserver/pkg/node"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/core"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/hostnode"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/volumes"
	"github.com/virt-apiserver/virt-apiserver/pkg/workload/processes"
)

// workersPerController is enough for one machine: what takes long happens elsewhere.
const workersPerController = 4

// workers are the loops that run beside the API server and are its clients.
type workers struct {
	loops   []func(context.Context) error
	prepare func(context.Context) error
	running sync.WaitGroup
}

func (w *workers) add(loop func(context.Context) error) { w.loops = append(w.loops, loop) }

// start starts all loops. They end with ctx.
func (w *workers) start(ctx context.Context) error {
	if err := w.prepare(ctx); err != nil {
		return err
	}
	for _, loop := range w.loops {
		w.running.Go(func() {
			if err := loop(ctx); err != nil && ctx.Err() == nil {
				klog.FromContext(ctx).Error(err, "A worker ended")
			}
		})
	}
	return nil
}

// wait returns when all loops have ended.
func (w *workers) wait() { w.running.Wait() }

// clients reach the server that they run in, over its loopback.
type clients struct {
	core          kubernetes.Interface
	virt          versioned.Interface
	metadata      metadata.Interface
	coreInformers informers.SharedInformerFactory
	virtInformers externalversions.SharedInformerFactory
}

func newClients(loopback *rest.Config) (*clients, error) {
	config := rest.CopyConfig(loopback)
	config.QPS = -1 // the server's own limits are enough
	config.DisableCompression = true
	coreClient, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("build a client: %w", err)
	}
	virt, err := versioned.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("build a client: %w", err)
	}
	metadataClient, err := metadata.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("build a client: %w", err)
	}
	return &clients{
		core:          coreClient,
		virt:          virt,
		metadata:      metadataClient,
		coreInformers: informers.NewSharedInformerFactoryWithOptions(coreClient, 0, informers.WithTransform(withoutManagers)),
		virtInformers: externalversions.NewSharedInformerFactoryWithOptions(virt, 0, externalversions.WithTransform(withoutManagers)),
	}, nil
}

// withoutManagers drops who wrote which field: the larger part of many objects, and no controller asks.
func withoutManagers(obj any) (any, error) {
	if object, err := meta.Accessor(obj); err == nil {
		object.SetManagedFields(nil)
	}
	return obj, nil
}

func (c *clients) recorder(ctx context.Context, component string) record.EventRecorder {
	return controller.NewRecorder(ctx, c.core.CoreV1(), component)
}

// newWorkers returns the controllers and the node's agent.
func (h *host) newWorkers(ctx context.Context, c *clients) (*workers, error) {
	w := &workers{prepare: func(ctx context.Context) error {
		if err := core.Bootstrap(ctx, c.core, volumes.StorageClass()); err != nil {
			return fmt.Errorf("make the first objects: %w", err)
		}
		c.coreInformers.Start(ctx.Done())
		c.virtInformers.Start(ctx.Done())
		// The admission of what is in a namespace waits for the informers.
		return bootstrapSettings(ctx, c)
	}}
	claims := c.coreInformers.Core().V1().PersistentVolumeClaims()
	classes := c.coreInformers.Storage().V1().StorageClasses()

	machines, err := virtualmachine.New(virtualmachine.Config{
		Client: c.virt, Core: c.core.CoreV1(), Informers: c.virtInformers, Claims: claims,
		Recorder: c.recorder(ctx, "virtualmachine-controller"),
	})
	if err != nil {
		return nil, fmt.Errorf("build the VirtualMachine controller: %w", err)
	}
	instances, err := virtualmachineinstance.New(virtualmachineinstance.Config{
		Client: c.virt, Core: c.core.CoreV1(), Informers: c.virtInformers, Claims: claims,
		Launchers: processes.NewLaunchers(h.options.NodeName, h.launcher.Health),
		Recorder:  c.recorder(ctx, "virtualmachineinstance-controller"),
	})
	if err != nil {
		return nil, fmt.Errorf("build the VirtualMachineInstance controller: %w", err)
	}
	filler, err := datavolume.New(datavolume.Config{
		Client: c.virt, Core: c.core, DataVolumes: c.virtInformers.Cdi().V1beta1().DataVolumes(),
		Claims: claims, Classes: classes, Importers: h.importers,
		Recorder: c.recorder(ctx, "datavolume-controller"),
	})
	if err != nil {
		return nil, fmt.Errorf("build the DataVolume controller: %w", err)
	}
	binder, err := volumes.NewController(volumes.Config{
		Core: c.core, Virt: c.virt, Claims: claims, Classes: classes,
		Instances: c.virtInformers.Kubevirt().V1().VirtualMachineInstances(), Store: h.volumes,
		Recorder: c.recorder(ctx, "volume-controller"),
	})
	if err != nil {
		return nil, fmt.Errorf("build the volume controller: %w", err)
	}
	cloner, err := clone.New(clone.Config{
		Client: c.virt, Core: c.core.CoreV1(), Informers: c.virtInformers, Recorder: c.recorder(ctx, "clone-controller"),
	})
	if err != nil {
		return nil, fmt.Errorf("build the clone controller: %w", err)
	}
	agent := node.New(node.Config{
		NodeName: h.options.NodeName, Clientset: c.virt, Core: c.core, Launcher: h.launcher, Volumes: h.volumes, ContainerDisks: h.containers,
		Network: h.network, Recorder: c.recorder(ctx, "virt-handler"),
	})
	namespaces, err := namespace.New(namespace.Config{
		Kube: c.core, Metadata: c.metadata, Namespaces: c.coreInformers.Core().V1().Namespaces(),
	})
	if err != nil {
		return nil, fmt.Errorf("build the namespace controller: %w", err)
	}
	collector := garbagecollector.New(garbagecollector.Config{
		Discovery: c.core.Discovery(), Metadata: c.metadata, Ignored: garbagecollector.DefaultIgnored(),
	})
	settings, err := verbosity.New(verbosity.Config{
		KubeVirts: c.virtInformers.Kubevirt().V1().KubeVirts(), Components: components, Launcher: h.launcher,
	})
	if err != nil {
		return nil, fmt.Errorf("build the controller of the verbosity: %w", err)
	}
	reporter := hostnode.New(hostnode.Config{
		NodeName: h.options.NodeName, Disk: h.volumes.Path(), Health: h.launcher.Health, Nodes: h.nodes,
	})
	w.add(reporter.Run)
	w.add(h.supervisor.Run)
	w.add(h.network.run)
	w.add(agent.Run)
	w.add(collector.Run)
	w.add(func(ctx context.Context) error {
		h.containers.Run(ctx)
		return nil
	})
	for _, run := range []func(context.Context){namespaces.Run, settings.Run} {
		w.add(func(ctx context.Context) error {
			run(ctx)
			return nil
		})
	}
	for _, run := range []func(context.Context, int){machines.Run, instances.Run, filler.Run, binder.Run, cloner.Run} {
		w.add(func(ctx context.Context) error {
			run(ctx, workersPerController)
			return nil
		})
	}
	return w, nil
}
