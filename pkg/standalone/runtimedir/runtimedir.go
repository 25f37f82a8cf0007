// SPDX-License-Identifier: Apache-2.0

// Package runtimedir knows what servers keep on the machine beside their data directories: sockets, whose paths have
// to be short. What makes them is not here: see package launcher. They need not survive a boot.
package runtimedir

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Root has a directory for each server. The lock beside them is every server's, and stays: who waits for it would not
// learn of another.
const Root = "/run/virt-apiserver"

// Instance tells two servers on one machine apart by the directory of their volumes, also when it is made anew.
func Instance(volumes string) string {
	sum := sha256.Sum256([]byte(volumes))
	return hex.EncodeToString(sum[:6])
}

// RemoveOf removes the directory of the server whose volumes those are, which does not run, if nothing of it is in use.
func RemoveOf(volumes string) error {
	path, err := filepath.EvalSymlinks(volumes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return fmt.Errorf("find the volumes: %w", err)
	}
	return Remove(Root, Instance(path))
}

// Remove removes a server's directory below dir, unless somebody listens on one of its sockets: a launcher, or a guest
// with its console.
func Remove(dir, instance string) error {
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open the directory of sockets: %w", err)
	}
	defer root.Close()
	inUse := false
	err = fs.WalkDir(root.FS(), instance, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type() == fs.ModeSocket {
			inUse = inUse || answers(filepath.Join(dir, path))
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) || inUse {
		return nil
	}
	if err == nil {
		err = root.RemoveAll(instance)
	}
	if err != nil {
		return fmt.Errorf("remove the directory of sockets: %w", err)
	}
	return nil
}

// answers says whether anybody listens on a socket. What can't be found out counts.
func answers(socket string) bool {
	conn, err := net.Dial("unix", socket)
	if err == nil {
		_ = conn.Close()
	}
	return !errors.Is(err, unix.ECONNREFUSED) && !errors.Is(err, unix.ENOENT)
}
