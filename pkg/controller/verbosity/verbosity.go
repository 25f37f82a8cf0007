// SPDX-License-Identifier: Apache-2.0

// Package verbosity has a process, and the launcher that it talks to, log as much as the KubeVirt object says,
// from the moment on that it says so.
package verbosity

import (
	"context"
	"fmt"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller/queue"
	kubevirtinformers "github.com/virt-apiserver/virt-apiserver/pkg/generated/informers/externalversions/kubevirt/v1"
	kubevirtlisters "github.com/virt-apiserver/virt-apiserver/pkg/generated/listers/kubevirt/v1"
)

// retell is after how long a launcher is told again: it may be another, which starts as its flags say.
const retell = time.Minute

// Components tells the verbosities of those components that run in this process.
type Components func(kubevirtv1.LogVerbosity) []int32

// Launcher is told a verbosity; 0 is its own.
type Launcher interface {
	SetVerbosity(ctx context.Context, verbosity int32) error
}

// Config is what a Controller is made of.
type Config struct {
	KubeVirts  kubevirtinformers.KubeVirtInformer
	Components Components
	// Launcher may be nil.
	Launcher Launcher
}

// Controller applies the verbosities that the KubeVirt object has.
type Controller struct {
	kubevirts  kubevirtlisters.KubeVirtLister
	synced     cache.InformerSynced
	components Components
	launcher   Launcher
	queue      *queue.Queue[cache.ObjectName]

	// own is the verbosity of this process as its flags have it.
	own int32
	// told is what the launcher was told last.
	told int32
}

// New returns a controller; the informer is the caller's to start.
func New(config Config) (*Controller, error) {
	c := &Controller{
		kubevirts:  config.KubeVirts.Lister(),
		synced:     config.KubeVirts.Informer().HasSynced,
		components: config.Components,
		launcher:   config.Launcher,
		queue:      queue.New[cache.ObjectName]("verbosity"),
		own:        current(),
	}
	_, err := config.KubeVirts.Informer().AddEventHandler(controller.OnChange(func(kv *kubevirtv1.KubeVirt) {
		c.queue.Add(cache.MetaObjectToName(kv))
	}))
	return c, err
}

// Run applies changes until ctx ends.
func (c *Controller) Run(ctx context.Context) {
	if cache.WaitForCacheSync(ctx.Done(), c.synced) {
		c.queue.Run(ctx, 1, c.reconcile)
	}
}

func (c *Controller) reconcile(ctx context.Context, key cache.ObjectName) (time.Duration, error) {
	kv, err := c.kubevirts.KubeVirts(key.Namespace).Get(key.Name)
	if err != nil && !apierrors.IsNotFound(err) {
		return 0, err
	}
	wanted := wantedBy(kv)
	highest := int32(0)
	for _, verbosity := range c.components(wanted) {
		if verbosity == 0 {
			verbosity = c.own
		}
		highest = max(highest, verbosity)
	}
	// An object of an earlier version may say more.
	if err := set(min(highest, kubevirtv1.MaxLogVerbosity)); err != nil {
		return 0, err
	}
	return c.tellLauncher(ctx, ptr.Deref(wanted.VirtLauncher, 0))
}

func (c *Controller) tellLauncher(ctx context.Context, verbosity int32) (time.Duration, error) {
	if c.launcher == nil || verbosity == 0 && c.told == 0 {
		return 0, nil
	}
	if err := c.launcher.SetVerbosity(ctx, verbosity); err != nil {
		return 0, fmt.Errorf("tell the launcher how much to log: %w", err)
	}
	c.told = verbosity
	if verbosity == 0 {
		return 0, nil
	}
	return retell, nil
}

// wantedBy is what an object says, or what is true without it.
func wantedBy(kv *kubevirtv1.KubeVirt) kubevirtv1.LogVerbosity {
	if kv == nil || kv.Spec.Configuration.DeveloperConfiguration == nil || kv.Spec.Configuration.DeveloperConfiguration.LogVerbosity == nil {
		return kubevirtv1.LogVerbosity{}
	}
	return *kv.Spec.Configuration.DeveloperConfiguration.LogVerbosity
}

// current is the verbosity of this process.
func current() int32 {
	verbosity := int32(0)
	for klog.V(klog.Level(verbosity + 1)).Enabled() {
		verbosity++
	}
	return verbosity
}

// set sets the verbosity of this process, which klog has only as a flag's value.
func set(verbosity int32) error {
	if verbosity == current() {
		return nil
	}
	var level klog.Level
	if err := level.Set(strconv.Itoa(int(verbosity))); err != nil {
		return fmt.Errorf("set the verbosity: %w", err)
	}
	return nil
}
