// SPDX-License-Identifier: Apache-2.0

package network

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
	"k8s.io/klog/v2"

	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/network/link"
)

// forwarders is the directory with a file for each network of the machine for which forwarding is needed. It
// is there where one of them has turned forwarding on, so that the last of them turns it off again.
const forwarders = "forwarding"

// exclusive keeps all other servers of the machine from choosing or removing a network until it is released.
func exclusive(runtimeDir string) (release func(), err error) {
	f, err := os.OpenFile(filepath.Join(runtimeDir, "network.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the machine's networks: %w", err)
	}
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("lock the machine's networks: %w", err)
	}
	return func() { _ = f.Close() }, nil
}

// startForwarding has the machine forward. Others may need it as well; where it was on already, it stays on.
func startForwarding(ctx context.Context, runtimeDir, bridge string) error {
	on, err := link.Forwards()
	if err != nil {
		return err
	}
	dir := filepath.Join(runtimeDir, forwarders)
	if !on {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("note that forwarding was off: %w", err)
		}
		if err := link.SetForwards(true); err != nil {
			return err
		}
		klog.FromContext(ctx).Info("Turned IPv4 forwarding on for the guest network; it is turned off again with the last network", "setting", "net.ipv4.ip_forward")
	}
	f, err := os.OpenFile(filepath.Join(dir, bridge), os.O_CREATE|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it was on before any of us
	}
	if err != nil {
		return fmt.Errorf("note that forwarding is needed: %w", err)
	}
	return f.Close()
}

// stopForwarding takes the network's need back, and turns forwarding off where one of us had turned it on and
// nobody of us needs it any more.
func stopForwarding(runtimeDir, bridge string) error {
	dir := filepath.Join(runtimeDir, forwarders)
	if err := os.Remove(filepath.Join(dir, bridge)); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return fmt.Errorf("note that forwarding is not needed: %w", err)
	}
	err := os.Remove(dir)
	if errors.Is(err, unix.ENOTEMPTY) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("note that forwarding is not needed: %w", err)
	}
	return link.SetForwards(false)
}
