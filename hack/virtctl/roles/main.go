// SPDX-License-Identifier: Apache-2.0

// Command roles prints the ClusterRoles that KubeVirt installs for users, for a test to compare ours with.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"kubevirt.io/kubevirt/pkg/virt-operator/resource/generate/rbac"
)

func main() {
	if err := json.NewEncoder(os.Stdout).Encode(rbac.GetAllCluster()); err != nil {
		fmt.Fprintln(os.Stderr, "roles:", err)
		os.Exit(1)
	}
}
