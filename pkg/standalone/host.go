// SPDX-License-Identifier: Apache-2.0

package standalone

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"k8s.io/klog/v2"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/node/calls"
	"github.com/virt-apiserver/virt-apiserver/pkg/node/streams"
	"github.com/virt-apiserver/virt-apiserver/pkg/node/supervisor"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/containerdisks"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/core"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/runtimedir"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/volumes"
	"github.com/virt-apiserver/virt-apiserver/pkg/version"
	"github.com/virt-apiserver/virt-apiserver/pkg/workload/processes"
)

// maxSessions of consoles and the like that are open at one time.
const maxSessions = 256

// maxCalls about guests that are made at one time.
const maxCalls = 128

// maxImports that run at one time and read from servers, and as many that don't; others wait in line. One namespace
// has half of them at the most.
const maxImports = 6

const (
	// containerDiskAge is how long the disk of a container image is kept that nobody uses.
	containerDiskAge = 14 * 24 * time.Hour
	// pullBackoff is kubelet's.
	pullBackoff = 10 * time.Second
)

// host is this machine: its files, its launcher and the way to its guests.
type host struct {
	options    *Options
	instance   string
	volumes    *volumes.Store
	launcher   *api.Client
	supervisor *supervisor.Supervisor
	importers  *processes.Importers
	streams    *streams.Local
	calls      *calls.Local
	// containers are the disks of container images.
	containers *containerdisks.Cache
	network    *guestNetwork
	// nodes are known when the API is built.
	nodes *core.Nodes
}

func newHost(ctx context.Context, options *Options) (*host, error) {
	store, deviceRoot, err := openVolumes(options)
	if err != nil {
		return nil, fmt.Errorf("open the volumes: %w", err)
	}
	instance := runtimedir.Instance(store.Path())
	runtimeDir := filepath.Join(runtimedir.Root, instance)
	if err := os.MkdirAll(runtimedir.Root, 0o711); err != nil {
		_ = store.Close()
		return nil, fmt.Errorf("make the directory of sockets: %w; a standalone server runs as root", err)
	}
	socket := filepath.Join(runtimeDir, "launcher", "launcher.sock")
	launcher := api.NewClient(socket)
	importers, err := processes.NewImporters(ctx, processes.Config{
		Program: options.ImporterPath, Targets: store, Limit: maxImports, AllowCIDRs: options.importAllow,
	})
	if err != nil {
		_ = store.Close()
		return nil, fmt.Errorf("prepare imports: %w", err)
	}
	containers, err := containerdisks.Open(ctx, containerdisks.Config{
		Dir: options.path("containerdisks"), Folders: options.ContainerDiskFolders, Importer: importers,
		MaxBytes: options.ContainerDiskCache.Value(), MaxAge: containerDiskAge, Backoff: pullBackoff,
	})
	if err != nil {
		_ = importers.Close()
		_ = store.Close()
		return nil, err
	}
	command := []string{
		options.LauncherPath,
		"--socket=" + socket,
		"--runtime-dir=" + filepath.Join(runtimeDir, "guests"),
		"--state-dir=" + options.path("launcher"),
		"--volume-root=" + store.Path(),
		"--volume-root=" + containers.Path(),
		"--device-root=" + deviceRoot,
		"--instance-id=" + instance,
	}
	for _, folder := range options.HostDiskFolders {
		command = append(command, "--host-disk-root="+folder)
	}
	guests, err := openGuestNetwork(ctx, options, instance)
	if err != nil {
		_ = containers.Close()
		_ = importers.Close()
		_ = store.Close()
		return nil, err
	}
	return &host{
		options:    options,
		instance:   instance,
		network:    guests,
		volumes:    store,
		launcher:   launcher,
		importers:  importers,
		containers: containers,
		streams:    streams.NewLocal(launcher, guests.Addresses, maxSessions),
		calls:      calls.NewLocal(launcher, maxCalls),
		supervisor: supervisor.New(supervisor.Config{
			Command: command,
			Socket:  socket,
			LogFile: options.path("launcher.log"),
			Version: version.Get().GitVersion,
		}),
	}, nil
}

// close is for a host whose workers have ended. Where no guest is left, neither is anything else outside the data
// directory.
func (h *host) close(ctx context.Context) {
	if err := h.leave(context.WithoutCancel(ctx)); err != nil {
		klog.FromContext(ctx).Error(err, "Can't remove the launcher and its sockets")
	}
	if err := h.network.close(context.WithoutCancel(ctx)); err != nil {
		klog.FromContext(ctx).Error(err, "Can't remove the guest network")
	}
	_ = h.containers.Close()
	_ = h.importers.Close()
	_ = h.volumes.Close()
}

func (h *host) leave(ctx context.Context) error {
	if err := h.supervisor.Retire(ctx); err != nil {
		return err
	}
	return runtimedir.Remove(runtimedir.Root, h.instance)
}
