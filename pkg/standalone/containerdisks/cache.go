// SPDX-License-Identifier: Apache-2.0

package containerdisks

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"

	"github.com/virt-apiserver/virt-apiserver/pkg/image"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/importer"
	"github.com/virt-apiserver/virt-apiserver/pkg/workload"
	"github.com/virt-apiserver/virt-apiserver/pkg/workload/fairqueue"
)

const (
	// dirMode lets QEMU, which runs as another user, pass through to the disks.
	dirMode       = 0o711
	partialPrefix = ".partial-"
	removedPrefix = ".removed-"
	// maxPulls and maxResolves that run at one time, each in a process; others wait in line. One namespace has half
	// of them at the most.
	maxPulls    = 6
	maxResolves = 8
)

// Importer reads images.
type Importer interface {
	// Fill does what spec says with target; file is a container image that is on disk, or nil.
	Fill(ctx context.Context, spec importer.Spec, target, file *os.File, progress func(image.Progress)) (image.Result, error)
}

// Config is what a Cache works with.
type Config struct {
	// Dir is the cache's directory, made where it is missing; its parent exists.
	Dir string
	// Folders are those in which images on disk may be.
	Folders  []string
	Importer Importer
	// MaxBytes is how much disks may take that nobody uses, and any single one; MaxAge is how long one is
	// kept that nobody uses.
	MaxBytes int64
	MaxAge   time.Duration
	// Backoff is how long to wait after the first failure; it doubles each time up to maxBackoff.
	Backoff time.Duration
}

// Cache has the disks. It implements workload.ContainerDisks.
type Cache struct {
	config Config
	root   *os.Root
	path   string
	notify func(types.NamespacedName)
	// pulls and resolves are the lines in which namespaces wait for their turn.
	pulls    *fairqueue.Queue
	resolves *fairqueue.Queue
	running  sync.WaitGroup
	// lifetime ends all pulls.
	lifetime context.Context
	end      context.CancelFunc

	mu       sync.Mutex
	attempts map[attemptKey]*attempt
	flights  map[string]*flight
	entries  map[string]*meta
}

var _ workload.ContainerDisks = &Cache{}

// Open opens the cache and removes what a crash has left half done. It is to be closed. Its log is ctx's.
func Open(ctx context.Context, config Config) (*Cache, error) {
	if err := os.Mkdir(config.Dir, dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("make the directory of container disks: %w", err)
	}
	// The launcher compares paths below it literally.
	path, err := filepath.EvalSymlinks(config.Dir)
	if err != nil {
		return nil, fmt.Errorf("open the directory of container disks: %w", err)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("open the directory of container disks: %w", err)
	}
	lifetime, end := context.WithCancel(klog.NewContext(context.WithoutCancel(ctx), klog.FromContext(ctx).WithName("containerdisks")))
	c := &Cache{
		config: config, root: root, path: path,
		notify:   func(types.NamespacedName) {},
		pulls:    fairqueue.New(maxPulls),
		resolves: fairqueue.New(maxResolves),
		lifetime: lifetime, end: end,
		attempts: map[attemptKey]*attempt{},
		flights:  map[string]*flight{},
		entries:  map[string]*meta{},
	}
	if err := c.load(); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Path is the directory of the disks: absolute and free of symbolic links.
func (c *Cache) Path() string { return c.path }

// Close ends all pulls and waits for them.
func (c *Cache) Close() error {
	c.end()
	c.running.Wait()
	return c.root.Close()
}

// OnChange implements workload.ContainerDisks.
func (c *Cache) OnChange(notify func(types.NamespacedName)) { c.notify = notify }

// load reads what there is.
func (c *Cache) load() error {
	if err := c.root.Chmod(".", dirMode); err != nil {
		return fmt.Errorf("let QEMU pass the directory of container disks: %w", err)
	}
	found, err := fs.ReadDir(c.root.FS(), ".")
	if err != nil {
		return fmt.Errorf("list the container disks: %w", err)
	}
	for _, entry := range found {
		name := entry.Name()
		if strings.HasPrefix(name, partialPrefix) || strings.HasPrefix(name, removedPrefix) {
			if err := c.root.RemoveAll(name); err != nil {
				return fmt.Errorf("remove what was left of a container disk: %w", err)
			}
			continue
		}
		if known, err := c.readMeta(name); err == nil {
			c.entries[name] = known
		}
	}
	return nil
}
