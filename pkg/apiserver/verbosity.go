// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/routes"
	"k8s.io/component-base/logs"
	"k8s.io/klog/v2"
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
	go makeSettings(hook, client)
	return nil
}

// settingsRetry is after how long it is tried again to make the settings.
const settingsRetry = 10 * time.Second

// makeSettings makes the KubeVirt object that clients look for as soon as it has a namespace, and leaves alone what
// is there.
func makeSettings(ctx context.Context, client versioned.Interface) {
	settings := &kubevirtv1.KubeVirt{ObjectMeta: metav1.ObjectMeta{Name: kubevirtv1.KubeVirtName}}
	_ = wait.PollUntilContextCancel(ctx, settingsRetry, true, func(ctx context.Context) (bool, error) {
		_, err := client.KubevirtV1().KubeVirts(kubevirtv1.KubeVirtNamespace).Create(ctx, settings, metav1.CreateOptions{})
		if err == nil || apierrors.IsAlreadyExists(err) {
			return true, nil
		}
		klog.FromContext(ctx).V(2).Info("The KubeVirt object can't be made yet", "namespace", kubevirtv1.KubeVirtNamespace, "err", err)
		return false, nil
	})
}

// CheckVerbosity refuses verbosities at which Secrets come into the log, whoever asks for them.
func CheckVerbosity(verbosity uint32) error {
	if verbosity > kubevirtv1.MaxLogVerbosity {
		return fmt.Errorf("verbosity %d: must be at most %d: above, whole requests and answers are logged, with the Secrets in them",
			verbosity, kubevirtv1.MaxLogVerbosity)
	}
	return nil
}

// boundVerbosity has PUT /debug/flags/v, where the library serves it, refuse what the flag refuses.
func boundVerbosity(server *genericapiserver.GenericAPIServer, profiling bool) {
	const path = "/debug/flags/v"
	if !profiling {
		return
	}
	server.Handler.NonGoRestfulMux.Unregister(path)
	server.Handler.NonGoRestfulMux.UnlistedHandleFunc(path, routes.StringFlagPutHandler(setVerbosity))
}

func setVerbosity(text string) (string, error) {
	verbosity, err := strconv.ParseUint(strings.TrimSpace(text), 10, 32)
	if err != nil {
		return "", fmt.Errorf("%q is not a verbosity", text)
	}
	if err := CheckVerbosity(uint32(verbosity)); err != nil {
		return "", err
	}
	return logs.GlogSetter(strings.TrimSpace(text))
}
