// SPDX-License-Identifier: Apache-2.0

// Command unnet removes the guest network that a standalone server left: one that was killed. No guest may be on it.
//
//	unnet DATA-DIRECTORY
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/network"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: unnet DATA-DIRECTORY")
		os.Exit(2)
	}
	if err := network.Remove(filepath.Join(os.Args[1], "network"), "/run/virt-apiserver"); err != nil {
		fmt.Fprintln(os.Stderr, "unnet:", err)
		os.Exit(1)
	}
}
