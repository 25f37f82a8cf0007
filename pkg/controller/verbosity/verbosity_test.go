// SPDX-License-Identifier: Apache-2.0

package verbosity_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller/verbosity"
	"github.com/virt-apiserver/virt-apiserver/pkg/generated/clientset/versioned/fake"
	"github.com/virt-apiserver/virt-apiserver/pkg/generated/informers/externalversions"
)

// launcher keeps what it is told, from the second time on.
type launcher struct{ told, times atomic.Int32 }

func (l *launcher) SetVerbosity(_ context.Context, verbosity int32) error {
	if l.times.Add(1) == 1 {
		return errors.New("it starts only now")
	}
	l.told.Store(verbosity)
	return nil
}

func TestVerbosityIsWhatTheObjectSaysAsLongAsItDoes(t *testing.T) {
	setOwn(t, "2")
	client, node := fake.NewSimpleClientset(), &launcher{}
	informers := externalversions.NewSharedInformerFactory(client, 0)
	controller, err := verbosity.New(verbosity.Config{
		KubeVirts: informers.Kubevirt().V1().KubeVirts(),
		Components: func(v kubevirtv1.LogVerbosity) []int32 {
			return []int32{ptr.Deref(v.VirtAPI, 0), ptr.Deref(v.VirtController, 0)}
		},
		Launcher: node,
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); controller.Run(ctx) }()
	informers.Start(ctx.Done())
	t.Cleanup(func() { cancel(); <-done })

	kubevirts := client.KubevirtV1().KubeVirts("kubevirt")
	kv, err := kubevirts.Create(ctx, &kubevirtv1.KubeVirt{ObjectMeta: metav1.ObjectMeta{Name: "kubevirt"}}, metav1.CreateOptions{})
	require.NoError(t, err)
	for _, step := range []struct {
		says           kubevirtv1.LogVerbosity
		process, guest int32
	}{
		{kubevirtv1.LogVerbosity{VirtAPI: ptr.To[int32](5), VirtController: ptr.To[int32](3)}, 5, 0},
		{kubevirtv1.LogVerbosity{VirtAPI: ptr.To[int32](1)}, 2, 0}, // the controllers log as before
		{kubevirtv1.LogVerbosity{VirtAPI: ptr.To[int32](1), VirtController: ptr.To[int32](1), VirtHandler: ptr.To[int32](9), VirtLauncher: ptr.To[int32](4)}, 1, 4},
		{kubevirtv1.LogVerbosity{}, 2, 0},
		{kubevirtv1.LogVerbosity{VirtAPI: ptr.To[int32](10)}, kubevirtv1.MaxLogVerbosity, 0}, // stored by an earlier version
		{kubevirtv1.LogVerbosity{VirtAPI: ptr.To[int32](6), VirtLauncher: ptr.To[int32](3)}, 6, 3},
	} {
		kv.Spec.Configuration.DeveloperConfiguration = &kubevirtv1.DeveloperConfiguration{LogVerbosity: &step.says}
		_, err := kubevirts.Update(ctx, kv, metav1.UpdateOptions{})
		require.NoError(t, err)
		await(t, node, step.process, step.guest)
	}
	require.NoError(t, kubevirts.Delete(ctx, "kubevirt", metav1.DeleteOptions{}))
	await(t, node, 2, 0)
}

func await(t *testing.T, node *launcher, process, guest int32) {
	t.Helper()
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		assert.True(c, klog.V(klog.Level(process)).Enabled(), "at least %d", process)
		assert.False(c, klog.V(klog.Level(process+1)).Enabled(), "at most %d", process)
		assert.Equal(c, guest, node.told.Load())
	}, time.Minute, time.Millisecond)
}

// setOwn gives the process the verbosity of its flags.
func setOwn(t *testing.T, verbosity string) {
	t.Helper()
	var level klog.Level
	require.NoError(t, level.Set(verbosity))
	t.Cleanup(func() { _ = level.Set("0") })
}
