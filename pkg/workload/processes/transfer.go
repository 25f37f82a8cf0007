// SPDX-License-Identifier: Apache-2.0

package processes

import (
	"context"
	"errors"
	"os"
	"reflect"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"

	"github.com/virt-apiserver/virt-apiserver/pkg/image"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/importer"
	"github.com/virt-apiserver/virt-apiserver/pkg/workload"
	"github.com/virt-apiserver/virt-apiserver/pkg/workload/fairqueue"
)

// sourcePoll is how often to ask whether a claim can be copied now.
const sourcePoll = 2 * time.Second

// transfer is one import. What is below stop is guarded by the mutex of Importers.
type transfer struct {
	workload.Import
	// before, if there is one, is closed when an earlier import of the claim's name has ended.
	before <-chan struct{}
	ended  chan struct{}
	stop   context.CancelFunc

	stopped bool
	state   workload.ImportState
}

func (i *Importers) run(ctx context.Context, key types.NamespacedName, t *transfer) {
	ctx = klog.NewContext(ctx, klog.FromContext(ctx).WithName("importers").WithValues("claim", key))
	err := i.fill(ctx, key, t)
	if ctx.Err() != nil {
		return
	}
	i.change(key, t, func(state *workload.ImportState) {
		if err == nil {
			state.Phase, state.Progress = workload.ImportSucceeded, 1
			return
		}
		state.Phase, state.Failure = workload.ImportFailed, failure.From(err)
	})
}

// fill waits for its turn, and fills the claim unless that was done before.
func (i *Importers) fill(ctx context.Context, key types.NamespacedName, t *transfer) error {
	if t.before != nil {
		<-t.before
	}
	filled, err := i.targets.Filled(t.Claim)
	if err != nil {
		return failure.FromWrite(err)
	}
	if filled {
		return nil
	}
	disk, release, err := i.openSource(ctx, key, t)
	if err != nil {
		return err
	}
	defer release()
	done, err := i.line(t).Acquire(ctx, key.Namespace)
	if err != nil {
		return err
	}
	defer done()
	i.change(key, t, func(state *workload.ImportState) { state.Phase = workload.ImportRunning })
	return i.transfer(ctx, key, t, disk)
}

// line is where the import waits for its turn.
func (i *Importers) line(t *transfer) *fairqueue.Queue {
	if t.HTTP != nil || t.Container != nil {
		return i.network
	}
	return i.local
}

// openSource waits until nobody writes to the claim that is copied, if t copies one, and opens its disk.
func (i *Importers) openSource(ctx context.Context, key types.NamespacedName, t *transfer) (disk *os.File, release func(), err error) {
	if t.Source == nil {
		return nil, func() {}, nil
	}
	for {
		disk, free, err := i.targets.OpenSource(ctx, t.Source)
		if err == nil {
			i.change(key, t, func(state *workload.ImportState) { state.Waiting = "" })
			return disk, func() { _ = disk.Close(); free() }, nil
		}
		used, ok := errors.AsType[*workload.InUseError](err)
		if !ok {
			return nil, nil, failure.Transient(failure.ReadFailed, "%w", err)
		}
		i.change(key, t, func(state *workload.ImportState) { state.Waiting = used.Error() })
		select {
		case <-time.After(sourcePoll):
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
}

// transfer fills the claim; disk is what it copies, or nil.
func (i *Importers) transfer(ctx context.Context, key types.NamespacedName, t *transfer, disk *os.File) error {
	target, err := i.targets.OpenTarget(t.Claim)
	if err != nil {
		return failure.FromWrite(err)
	}
	defer target.Close()
	result, err := i.program.fill(ctx, specOf(t.Import), target, disk, func(progress image.Progress) {
		i.change(key, t, func(state *workload.ImportState) { state.Progress = fraction(progress) })
	})
	if err == nil {
		err = i.commit(t, target)
	}
	if err == nil {
		i.change(key, t, func(state *workload.ImportState) { state.Labels = result.Labels })
		return nil
	}
	if discarded := i.targets.Discard(t.Claim); discarded != nil {
		klog.FromContext(ctx).Error(discarded, "What a failed import wrote stays until the next attempt")
	}
	return err
}

func (i *Importers) commit(t *transfer, target *os.File) error {
	if err := i.targets.Commit(t.Claim, target); err != nil {
		return failure.FromWrite(err)
	}
	return nil
}

// change changes the state of t, unless nobody wants to know any more, and tells of it.
func (i *Importers) change(key types.NamespacedName, t *transfer, change func(*workload.ImportState)) {
	i.mu.Lock()
	stopped, was := t.stopped, t.state
	change(&t.state)
	changed := !reflect.DeepEqual(t.state, was)
	i.mu.Unlock()
	if changed && !stopped {
		i.notify(key)
	}
}

// fraction is negative where the source does not say how much there is.
func fraction(progress image.Progress) float64 {
	if progress.TotalBytes <= 0 {
		return -1
	}
	return min(float64(progress.TransferredBytes)/float64(progress.TotalBytes), 1)
}

func specOf(imp workload.Import) importer.Spec {
	return importer.Spec{
		HTTP:        imp.HTTP,
		Container:   imp.Container,
		Copy:        imp.Source != nil,
		Blank:       imp.HTTP == nil && imp.Container == nil && imp.Source == nil,
		Labels:      imp.Container != nil,
		SizeBytes:   imp.Size,
		Preallocate: imp.Preallocate,
	}
}
