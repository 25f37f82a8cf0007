// SPDX-License-Identifier: Apache-2.0

// Command unnet removes what a standalone server left outside its data directory: one that was killed. No guest of it
// may run.
//
//	unnet DATA-DIRECTORY
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/network"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/runtimedir"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: unnet DATA-DIRECTORY")
		os.Exit(2)
	}
	err := errors.Join(
		network.Remove(filepath.Join(os.Args[1], "network"), runtimedir.Root),
		runtimedir.RemoveOf(filepath.Join(os.Args[1], "volumes")))
	if err != nil {
		fmt.Fprintln(os.Stderr, "unnet:", err)
		os.Exit(1)
	}
}
