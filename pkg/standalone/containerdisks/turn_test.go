// SPDX-License-Identifier: Apache-2.0

package containerdisks

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/virt-apiserver/virt-apiserver/pkg/image"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/importer"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
	"github.com/virt-apiserver/virt-apiserver/pkg/workload"
)

// silentRegistry is one that never answers.
type silentRegistry struct {
	mu    sync.Mutex
	asked []string
	now   int
}

func (r *silentRegistry) Fill(ctx context.Context, spec importer.Spec, _, _ *os.File, _ func(image.Progress)) (image.Result, error) {
	r.change(func() { r.asked, r.now = append(r.asked, spec.Container.Image), r.now+1 })
	<-ctx.Done()
	r.change(func() { r.now-- })
	return image.Result{}, context.Cause(ctx)
}

func (r *silentRegistry) change(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
}

// running is how many processes there would be now, and all that were ever asked for.
func (r *silentRegistry) running() (now int, asked []string) {
	r.change(func() { now, asked = r.now, append([]string{}, r.asked...) })
	return now, asked
}

func filesOf(namespace, name string) workload.ContainerFiles {
	return workload.ContainerFiles{
		Instance: types.NamespacedName{Namespace: namespace, Name: name}, UID: types.UID(name), For: "root",
		Source: source.Container{Image: "r.example/" + namespace + "/" + name}, Policy: corev1.PullAlways,
	}
}

func TestResolvingTakesTurnsAndEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		registry := &silentRegistry{}
		cache, err := Open(t.Context(), Config{
			Dir: t.TempDir() + "/disks", Importer: registry, MaxBytes: 1 << 20, MaxAge: time.Hour, Backoff: time.Hour,
		})
		require.NoError(t, err)
		defer cache.Close()
		for i := range 60 {
			_, err := cache.Ensure(t.Context(), filesOf("greedy", fmt.Sprint("vm-", i)))
			require.ErrorIs(t, err, workload.ErrPulling)
		}
		synctest.Wait()
		now, _ := registry.running()
		assert.Equal(t, maxResolves/2, now, "processes of one namespace")

		_, err = cache.Ensure(t.Context(), filesOf("other", "vm"))
		require.ErrorIs(t, err, workload.ErrPulling)
		synctest.Wait()
		now, asked := registry.running()
		assert.Equal(t, maxResolves/2+1, now)
		assert.Contains(t, asked, "r.example/other/vm", "another namespace waits for nobody")

		time.Sleep(maxResolve)
		synctest.Wait()
		now, asked = registry.running()
		assert.Equal(t, maxResolves/2, now, "the next ones take the place of those that did not get on")
		assert.Len(t, asked, maxResolves+1)
		_, err = cache.Ensure(t.Context(), filesOf("other", "vm"))
		var pull *workload.PullError
		require.ErrorAs(t, err, &pull)
		assert.Contains(t, pull.Message, "longer than 1m0s")
	})
}

func TestForgottenWorkLeavesTheLine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		registry := &silentRegistry{}
		cache, err := Open(t.Context(), Config{
			Dir: t.TempDir() + "/disks", Importer: registry, MaxBytes: 1 << 20, MaxAge: time.Hour, Backoff: time.Hour,
		})
		require.NoError(t, err)
		defer cache.Close()
		for i := range 10 {
			_, err := cache.Ensure(t.Context(), filesOf("a", fmt.Sprint("vm-", i)))
			require.ErrorIs(t, err, workload.ErrPulling)
		}
		synctest.Wait()
		for i := range 10 {
			cache.Forget(types.NamespacedName{Namespace: "a", Name: fmt.Sprint("vm-", i)})
		}
		synctest.Wait()
		now, asked := registry.running()
		assert.Zero(t, now)
		assert.LessOrEqual(t, len(asked), 10)
		_, err = cache.Ensure(t.Context(), filesOf("a", "new"))
		require.ErrorIs(t, err, workload.ErrPulling)
		synctest.Wait()
		_, asked = registry.running()
		assert.True(t, strings.HasSuffix(asked[len(asked)-1], "/new"))
	})
}
