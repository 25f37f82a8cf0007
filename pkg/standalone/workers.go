// SPDX-License-Identifier: Apache-2.0

package standalone

import (
	"context"
	"fmt"
	"sync"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"

	"github.com/virt-apiserver/virt-apiserver/pkg/controller"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller/virtualmachine"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller/virtualmachineinstance"
	"github.com/virt-apiserver/virt-apiserver/pkg/generated/clientset/versioned"
	"github.com/virt-apiserver/virt-apiserver/pkg/generated/informers/externalversions"
	"github.com/virt-apiserver/virt-apiserver/pkg/node"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/core"
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

// newWorkers returns the controllers and the node's agent as clients of the server that config reaches.
func (h *host) newWorkers(ctx context.Context, config *rest.Config) (*workers, error) {
	config = rest.CopyConfig(config)
	config.QPS = -1 // the server's own limits are enough
	coreClient, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("build a client: %w", err)
	}
	virt, err := versioned.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("build a client: %w", err)
	}
	coreInformers := informers.NewSharedInformerFactory(coreClient, 0)
	virtInformers := externalversions.NewSharedInformerFactory(virt, 0)
	claims := coreInformers.Core().V1().PersistentVolumeClaims()

	w := &workers{prepare: func(ctx context.Context) error {
		if err := core.Bootstrap(ctx, coreClient, volumes.StorageClass()); err != nil {
			return fmt.Errorf("make the first objects: %w", err)
		}
		coreInformers.Start(ctx.Done())
		virtInformers.Start(ctx.Done())
		return nil
	}}
	machines, err := virtualmachine.New(virtualmachine.Config{
		Client: virt, Informers: virtInformers, Claims: claims,
		Recorder: controller.NewRecorder(ctx, coreClient.CoreV1(), "virtualmachine-controller"),
	})
	if err != nil {
		return nil, fmt.Errorf("build the VirtualMachine controller: %w", err)
	}
	instances, err := virtualmachineinstance.New(virtualmachineinstance.Config{
		Client: virt, Secrets: coreClient.CoreV1(), Informers: virtInformers, Claims: claims,
		Launchers: processes.NewLaunchers(h.options.NodeName, h.launcher.Health),
		Recorder:  controller.NewRecorder(ctx, coreClient.CoreV1(), "virtualmachineinstance-controller"),
	})
	if err != nil {
		return nil, fmt.Errorf("build the VirtualMachineInstance controller: %w", err)
	}
	binder, err := volumes.NewController(volumes.Config{
		Core: coreClient, Virt: virt, Claims: claims, Classes: coreInformers.Storage().V1().StorageClasses(),
		Instances: virtInformers.Kubevirt().V1().VirtualMachineInstances(), Store: h.volumes,
		Recorder: controller.NewRecorder(ctx, coreClient.CoreV1(), "volume-controller"),
	})
	if err != nil {
		return nil, fmt.Errorf("build the volume controller: %w", err)
	}
	agent := node.New(node.Config{
		NodeName: h.options.NodeName, Clientset: virt, Core: coreClient, Launcher: h.launcher, Volumes: h.volumes,
		Recorder: controller.NewRecorder(ctx, coreClient.CoreV1(), "virt-handler"),
	})
	w.add(h.supervisor.Run)
	w.add(agent.Run)
	for _, run := range []func(context.Context, int){machines.Run, instances.Run, binder.Run} {
		w.add(func(ctx context.Context) error {
			run(ctx, workersPerController)
			return nil
		})
	}
	return w, nil
}
