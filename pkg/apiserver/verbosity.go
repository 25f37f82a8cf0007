// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"fmt"

	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller/verbosity"
	"github.com/virt-apiserver/virt-apiserver/pkg/generated/clientset/versioned"
	"github.com/virt-apiserver/virt-apiserver/pkg/generated/informers/externalversions"
)

// runVerbosity is the hook of a process that is an API server and nothing else.
func runVerbosity(hook genericapiserver.PostStartHookContext) error {
	client, err := versioned.NewForConfig(hook.LoopbackClientConfig)
	if err != nil {
		return fmt.Errorf("build a client: %w", err)
	}
	informers := externalversions.NewSharedInformerFactory(client, 0)
	controller, err := verbosity.New(verbosity.Config{
		KubeVirts:  informers.Kubevirt().V1().KubeVirts(),
		Components: func(v kubevirtv1.LogVerbosity) []int32 { return []int32{ptr.Deref(v.VirtAPI, 0)} },
	})
	if err != nil {
		return fmt.Errorf("build the controller of the verbosity: %w", err)
	}
	informers.Start(hook.Done())
	go controller.Run(hook)
	return nil
}
