// SPDX-License-Identifier: Apache-2.0

package processes

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"

	"github.com/virt-apiserver/virt-apiserver/pkg/image"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/importer"
	"github.com/virt-apiserver/virt-apiserver/pkg/workload"
	"github.com/virt-apiserver/virt-apiserver/pkg/workload/fairqueue"
)

// Targets are the files behind claims.
type Targets interface {
	// Filled says whether the claim has its disk.
	Filled(claim *corev1.PersistentVolumeClaim) (bool, error)
	// OpenTarget returns a new file for the claim's disk, open for reading and writing.
	OpenTarget(claim *corev1.PersistentVolumeClaim) (*os.File, error)
	// OpenSource opens the claim's disk to be copied; nobody gets to write to it until release is called. The
	// error is a *workload.InUseError while somebody may.
	OpenSource(ctx context.Context, claim *corev1.PersistentVolumeClaim) (disk *os.File, release func(), err error)
	// Commit makes target the claim's disk, durably.
	Commit(claim *corev1.PersistentVolumeClaim, target *os.File) error
	// Discard removes a target that is not the disk yet.
	Discard(claim *corev1.PersistentVolumeClaim) error
}

// Importers runs imports as processes, a few at a time and the others in line.
type Importers struct {
	program *program
	targets Targets
	// network is the line of those that a server somewhere can keep waiting, local that of all others.
	network *fairqueue.Queue
	local   *fairqueue.Queue
	notify  func(types.NamespacedName)
	stopAll context.CancelFunc
	running sync.WaitGroup
	// lifetime ends all imports.
	lifetime context.Context

	mu      sync.Mutex
	imports map[types.NamespacedName]*transfer
}

var _ workload.Importers = &Importers{}

// Config is what Importers work with.
type Config struct {
	// Program is the path of virt-importer.
	Program string
	Targets Targets
	// Limit is how many processes run at once that read from a server, and how many others.
	Limit int
	// AllowCIDRs are ranges of loopback, link-local and this machine's addresses that may be reached all the same.
	AllowCIDRs []netip.Prefix
}

// NewImporters returns importers. It tries the program out, and is to be closed. Its log is ctx's.
func NewImporters(ctx context.Context, config Config) (*Importers, error) {
	if config.Limit < 1 {
		return nil, errors.New("no import may run: allow at least one at once")
	}
	program, err := openProgram(ctx, config.Program, config.AllowCIDRs)
	if err != nil {
		return nil, err
	}
	lifetime, stopAll := context.WithCancel(klog.NewContext(context.WithoutCancel(ctx), klog.FromContext(ctx)))
	return &Importers{
		program:  program,
		targets:  config.Targets,
		network:  fairqueue.New(config.Limit),
		local:    fairqueue.New(config.Limit),
		notify:   func(types.NamespacedName) {},
		lifetime: lifetime,
		stopAll:  stopAll,
		imports:  make(map[types.NamespacedName]*transfer),
	}, nil
}

// Close ends all imports and waits for their processes. Nothing is started afterwards.
func (i *Importers) Close() error {
	i.stopAll()
	i.running.Wait()
	return i.program.close()
}

// Fill runs one importer beside the imports and waits for it: it does what spec says with target, where file
// is a container image that is on disk, or nil.
func (i *Importers) Fill(ctx context.Context, spec importer.Spec, target, file *os.File, progress func(image.Progress)) (image.Result, error) {
	return i.program.fill(ctx, spec, target, file, progress)
}

// OnChange implements workload.Importers.
func (i *Importers) OnChange(notify func(types.NamespacedName)) { i.notify = notify }

// Start implements workload.Importers.
func (i *Importers) Start(_ context.Context, imp workload.Import) error {
	key := types.NamespacedName{Namespace: imp.Claim.Namespace, Name: imp.Claim.Name}
	i.mu.Lock()
	defer i.mu.Unlock()
	if err := i.lifetime.Err(); err != nil {
		return err
	}
	before := i.imports[key]
	if before != nil && !before.stopped && before.state.Claim == imp.Claim.UID {
		return nil
	}
	ctx, stop := context.WithCancel(i.lifetime)
	next := &transfer{
		Import: imp,
		stop:   stop,
		ended:  make(chan struct{}),
		state: workload.ImportState{
			Claim: imp.Claim.UID, Attempt: imp.Attempt, Phase: workload.ImportScheduled, Progress: -1,
		},
	}
	if before != nil {
		before.stopped = true
		before.stop()
		next.before = before.ended
	}
	i.imports[key] = next
	i.running.Go(func() {
		defer i.end(key, next)
		i.run(ctx, key, next)
	})
	return nil
}

// State implements workload.Importers.
func (i *Importers) State(claim types.NamespacedName) (workload.ImportState, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	t, ok := i.imports[claim]
	if !ok || t.stopped {
		return workload.ImportState{}, false
	}
	return t.state, true
}

// Stop implements workload.Importers.
func (i *Importers) Stop(_ context.Context, claim types.NamespacedName) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	t, ok := i.imports[claim]
	if !ok {
		return nil
	}
	t.stopped = true
	t.stop()
	select {
	case <-t.ended:
		delete(i.imports, claim)
	default:
		// It leaves by itself.
	}
	return nil
}

// end notes that nothing of t runs any more.
func (i *Importers) end(key types.NamespacedName, t *transfer) {
	t.stop()
	i.mu.Lock()
	defer i.mu.Unlock()
	// Its secrets are of no more use.
	t.Import = workload.Import{}
	close(t.ended)
	if t.stopped && i.imports[key] == t {
		delete(i.imports, key)
	}
}
