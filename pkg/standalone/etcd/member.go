// SPDX-License-Identifier: Apache-2.0

package etcd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/klog/v2"
)

const startTimeout = time.Minute

// member is one run of etcd on one data directory.
type member struct {
	*embed.Etcd
	closing *atomic.Bool
}

// startMember returns once the member serves on sockets in runtimeDir.
func startMember(ctx context.Context, dataDir string, runtimeDir *os.File, tick time.Duration) (*member, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	closing := &atomic.Bool{}
	cfg := memberConfig(dataDir, runtimeDir, tick)
	cfg.ZapLoggerBuilder = embed.NewZapLoggerBuilder(newZapLogger(klog.FromContext(ctx), closing))
	etcd, err := embed.StartEtcd(cfg)
	if err != nil {
		return nil, err
	}
	m := &member{Etcd: etcd, closing: closing}
	select {
	case <-m.Server.ReadyNotify():
		return m, nil
	case err = <-m.Err():
	case <-m.Server.StopNotify():
		err = errors.New("it stopped before it was ready")
	case <-ctx.Done():
		err = fmt.Errorf("wait until it is ready: %w", ctx.Err())
	}
	m.Close()
	return nil, err
}

// Close stops the member. That its listeners end is then no news.
func (m *member) Close() {
	m.closing.Store(true)
	m.Etcd.Close()
}

// failure waits until the member stops by itself, and returns why, or nil if it was closed.
func (m *member) failure() error {
	var err error
	select {
	case err = <-m.Err():
	case <-m.Server.StopNotify():
		err = errors.New("the server left its loop")
	}
	if m.closing.Load() {
		return nil
	}
	return fmt.Errorf("etcd stopped: %w", err)
}
