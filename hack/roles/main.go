// SPDX-License-Identifier: Apache-2.0

// Command roles writes the manifest of the cluster's roles.
package main

import (
	"fmt"
	"os"

	"github.com/virt-apiserver/virt-apiserver/pkg/roles"
)

func main() {
	if err := roles.WriteManifest(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "roles:", err)
		os.Exit(1)
	}
}
