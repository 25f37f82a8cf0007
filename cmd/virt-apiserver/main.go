// SPDX-License-Identifier: Apache-2.0

// Command virt-apiserver serves virtual machines as native Kubernetes resources: behind kube-apiserver as an
// aggregated API server, or, as virt-apiserver standalone, on a bare machine with everything in one process.
package main

import (
	"os"

	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/component-base/cli"
)

func main() {
	os.Exit(cli.Run(newCommand(genericapiserver.SetupSignalContext())))
}
