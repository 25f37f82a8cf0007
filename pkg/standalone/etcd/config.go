// SPDX-License-Identifier: Apache-2.0

package etcd

import (
	"fmt"
	"net/url"
	"os"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
)

const (
	clientSocket = "client.sock"
	peerSocket   = "peer.sock"
	httpSocket   = "http.sock"

	// The raft log in memory is what a follower needs to catch up, and there are no followers. Snapshots
	// release it and the write-ahead log on disk.
	snapshotCount          = 2000
	snapshotCatchUpEntries = 100
	// A cap on disk, not memory: the database is mapped, not loaded. Writes are refused beyond it.
	quotaBackendBytes = 4 << 30
	// Files that hold nothing but superseded state, 64 MB each.
	maxWALs = 2
	// At start, give back disk space of which more than this is free.
	defragThresholdMegabytes = 64
	// Lets the API server answer consistent reads from its watch cache without waiting for a write.
	progressNotifyInterval = 5 * time.Second

	// A lone member elects itself, after a time between one and two election timeouts, which are five ticks at
	// the least. Every start waits for it; while it serves, a tick only wakes the processor.
	servingTick      = 100 * time.Millisecond
	initializingTick = 10 * time.Millisecond
	ticksToElection  = 5
)

// sockets are reached through the descriptor of their directory: the address of a unix socket has room for 107
// bytes, which the path of a data directory can exceed.
func socketURL(dir *os.File, name string) url.URL {
	return url.URL{Scheme: "unix", Path: fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), name)}
}

func memberConfig(dataDir string, runtimeDir *os.File, tick time.Duration) *embed.Config {
	cfg := embed.NewConfig()
	cfg.Name = "standalone"
	cfg.Dir = dataDir

	// etcd binds the host part of a peer's address, and remembers the address that is advertised: a name that
	// does not change when the directory moves.
	peer := socketURL(runtimeDir, peerSocket)
	cfg.ListenPeerUrls = []url.URL{{Scheme: peer.Scheme, Host: peer.Path}}
	cfg.AdvertisePeerUrls = []url.URL{{Scheme: "unix", Host: peerSocket}}
	cfg.ListenClientUrls = []url.URL{socketURL(runtimeDir, clientSocket)}
	// Health and metrics have their own socket: shared with gRPC, each connection would pass a multiplexer.
	cfg.ListenClientHttpUrls = []url.URL{socketURL(runtimeDir, httpSocket)}
	cfg.AdvertiseClientUrls = []url.URL{{Scheme: "unix", Host: clientSocket}}
	cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)

	cfg.TickMs = uint(tick.Milliseconds())
	cfg.ElectionMs = ticksToElection * cfg.TickMs
	cfg.SnapshotCount = snapshotCount
	cfg.SnapshotCatchUpEntries = snapshotCatchUpEntries
	cfg.QuotaBackendBytes = quotaBackendBytes
	cfg.MaxWalFiles = maxWALs
	cfg.BootstrapDefragThresholdMegabytes = defragThresholdMegabytes
	cfg.WatchProgressNotifyInterval = progressNotifyInterval
	cfg.EnableGRPCGateway = false
	cfg.AuthToken = "" // no tokens: who reaches the sockets is the owner
	return cfg
}
