// SPDX-License-Identifier: Apache-2.0

package standalone

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/node/streams"
	"github.com/virt-apiserver/virt-apiserver/pkg/node/supervisor"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/volumes"
	"github.com/virt-apiserver/virt-apiserver/pkg/version"
)

// maxSessions of consoles and the like that are open at one time.
const maxSessions = 256

// runtimeRoot holds sockets, whose paths have to be short; it need not survive a boot.
const runtimeRoot = "/run/virt-apiserver"

// host is this machine: its files, its launcher and the way to its guests.
type host struct {
	options    *Options
	volumes    *volumes.Store
	launcher   *api.Client
	supervisor *supervisor.Supervisor
	streams    *streams.Local
}

func newHost(options *Options) (*host, error) {
	store, err := volumes.Open(options.path("volumes"))
	if err != nil {
		return nil, fmt.Errorf("open the volumes: %w", err)
	}
	// The data directory is what tells two servers on one machine apart, also when it is made anew.
	sum := sha256.Sum256([]byte(store.Path()))
	instance := hex.EncodeToString(sum[:6])
	runtimeDir := filepath.Join(runtimeRoot, instance)
	if err := os.MkdirAll(runtimeRoot, 0o711); err != nil {
		_ = store.Close()
		return nil, fmt.Errorf("make the directory of sockets: %w; a standalone server runs as root", err)
	}
	socket := filepath.Join(runtimeDir, "launcher", "launcher.sock")
	launcher := api.NewClient(socket)
	return &host{
		options:  options,
		volumes:  store,
		launcher: launcher,
		streams:  streams.NewLocal(launcher, maxSessions),
		supervisor: supervisor.New(supervisor.Config{
			Command: []string{
				options.LauncherPath,
				"--socket=" + socket,
				"--runtime-dir=" + filepath.Join(runtimeDir, "guests"),
				"--state-dir=" + options.path("launcher"),
				"--volume-root=" + store.Path(),
				"--instance-id=" + instance,
			},
			Socket:  socket,
			LogFile: options.path("launcher.log"),
			Version: version.Get().GitVersion,
		}),
	}, nil
}

func (h *host) close() { _ = h.volumes.Close() }
