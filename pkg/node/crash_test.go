// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clienttesting "k8s.io/client-go/testing"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

var errKilled = errors.New("killed")

// killer kills something at one step of many; before and after everything that changes the world is one.
type killer struct {
	mu   sync.Mutex
	left int
	// kill is called once. While dead, every step fails.
	kill func()
	dead bool
	used bool
}

func (k *killer) step() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.left--
	if k.left == 0 {
		k.dead, k.used = true, true
		k.kill()
	}
	if k.dead {
		return errKilled
	}
	return nil
}

func (k *killer) revive() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.dead = false
}

func (k *killer) wasUsed() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.used
}

// mortalLauncher is a launcher whose callers see the killer's steps.
type mortalLauncher struct {
	*fakeLauncher
	killer *killer
}

func around[T any](k *killer, do func() (T, error)) (T, error) {
	var none T
	if err := k.step(); err != nil {
		return none, err
	}
	result, err := do()
	if killed := k.step(); killed != nil {
		return none, killed
	}
	return result, err
}

func (m mortalLauncher) Start(ctx context.Context, request *api.StartRequest) (*api.DomainStatus, error) {
	return around(m.killer, func() (*api.DomainStatus, error) { return m.fakeLauncher.Start(ctx, request) })
}

func (m mortalLauncher) Shutdown(ctx context.Context, namespace, name string, request api.ShutdownRequest) error {
	_, err := around(m.killer, func() (bool, error) { return true, m.fakeLauncher.Shutdown(ctx, namespace, name, request) })
	return err
}

func (m mortalLauncher) Resize(ctx context.Context, domain api.Target, request api.ResizeRequest) (*api.DomainStatus, error) {
	return around(m.killer, func() (*api.DomainStatus, error) { return m.fakeLauncher.Resize(ctx, domain, request) })
}

func (m mortalLauncher) Plug(ctx context.Context, domain api.Target, request api.PlugRequest) (*api.DomainStatus, error) {
	return around(m.killer, func() (*api.DomainStatus, error) { return m.fakeLauncher.Plug(ctx, domain, request) })
}

func (m mortalLauncher) Unplug(ctx context.Context, domain api.Target, request api.UnplugRequest) (*api.DomainStatus, error) {
	return around(m.killer, func() (*api.DomainStatus, error) { return m.fakeLauncher.Unplug(ctx, domain, request) })
}

func (m mortalLauncher) Delete(ctx context.Context, namespace, name string, uid types.UID) error {
	_, err := around(m.killer, func() (bool, error) { return true, m.fakeLauncher.Delete(ctx, namespace, name, uid) })
	return err
}

// mortal has the server's writes go through the killer's steps.
func (s *fakeServer) mortal(k *killer) {
	s.PrependReactor("update", instancesResource.Resource, func(action clienttesting.Action) (bool, runtime.Object, error) {
		updated, err := around(k, func() (runtime.Object, error) {
			_, updated, err := s.update(action)
			return updated, err
		})
		return true, updated, err
	})
}

// runMortal runs agents, each after the end of the one before, until the test ends.
func (w *world) runMortal(k *killer, endAgent *context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	config := w.config()
	config.Launcher = mortalLauncher{w.launcher, k}
	alive, end := context.WithCancel(ctx)
	*endAgent = end
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			assert.NoError(w.t, New(config).Run(alive))
			alive, end = context.WithCancel(ctx)
			defer end()
			k.revive()
		}
	}()
	w.t.Cleanup(func() { cancel(); <-done })
}

// TestOneGuestWhateverIsKilled takes an instance from Scheduled to its end, and kills the agent, or the
// launcher, before and after every single thing that they do on the way.
func TestOneGuestWhateverIsKilled(t *testing.T) {
	t.Parallel()
	lives := map[string]func(*world){
		"deleted": func(w *world) {
			w.server.delete("vm")
			w.eventually("the guest is asked to end", func() bool { return w.launcher.state(vmKey) == api.StateStopping })
			w.launcher.change(vmKey, api.StateSucceeded, "", "")
			w.untilPhase(kubevirtv1.Succeeded)
		},
		"powered off": func(w *world) {
			w.launcher.change(vmKey, api.StateSucceeded, "", "")
			w.untilPhase(kubevirtv1.Succeeded)
		},
	}
	for life, end := range lives {
		for _, victim := range []string{"agent", "launcher"} {
			t.Run(life+"/"+victim, func(t *testing.T) {
				t.Parallel()
				step := 1
				for liveAndDie(t, victim, step, end) {
					step++
				}
				require.Greater(t, step, 8, "every step was tried")
			})
		}
	}
}

// liveAndDie returns false once step is beyond the last.
func liveAndDie(t *testing.T, victim string, step int, end func(*world)) bool {
	w := newWorld(t)
	var endAgent context.CancelFunc
	k := &killer{left: step}
	k.kill = func() { endAgent() }
	if victim == "launcher" {
		k.kill = func() {
			go func() {
				w.launcher.setDown(true)
				time.AfterFunc(20*time.Millisecond, func() {
					w.launcher.setDown(false)
					k.revive()
				})
			}()
		}
	}
	w.server.mortal(k)
	w.runMortal(k, &endAgent)
	w.server.create(scheduled())

	running := w.untilPhase(kubevirtv1.Running)
	end(w)

	w.eventually("the domain is removed", func() bool { return w.launcher.state(vmKey) == "" })
	assert.Equal(t, 1, w.launcher.startCount("u1"), "killed at step %d", step)
	assert.Len(t, running.Status.VolumeStatus, 2, "killed at step %d", step)
	return k.wasUsed()
}
