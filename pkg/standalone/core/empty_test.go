// SPDX-License-Identifier: Apache-2.0

package core_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
)

// kubectl runs the real one.
func kubectl(t *testing.T, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("kubectl")
	if err != nil {
		built, err := exec.Command("../../../hack/tools.sh", "kubectl").Output()
		require.NoError(t, err)
		path = strings.TrimSpace(string(built))
	}
	command := exec.CommandContext(t.Context(), path, args...)
	command.Env = append(os.Environ(), "KUBECONFIG="+server.Kubeconfig)
	out, err := command.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}

func TestKubectlWorksWithoutPodsAndServices(t *testing.T) {
	report(t)
	namespace := newNamespace(t)
	_, err := kube().CoreV1().PersistentVolumeClaims(namespace).Create(t.Context(), claim("described", nil), metav1.CreateOptions{})
	require.NoError(t, err)
	assert.Contains(t, kubectl(t, "-n", namespace, "describe", "pvc", "described"), "Used By:       <none>")
	assert.Contains(t, kubectl(t, "cluster-info"), "is running at")
	assert.Contains(t, kubectl(t, "describe", "namespace", namespace), "No resource quota.")
	assert.Contains(t, kubectl(t, "get", "pods,services,endpoints,serviceaccounts,rc,limits,quota,pv", "-A"), "No resources found")
	node := kubectl(t, "describe", "node", "host-1")
	for _, words := range []string{"kubevirt.io/schedulable=true", "Non-terminated Pods:", "KubeletReady", "(0 in total)"} {
		assert.Contains(t, node, words)
	}
	assert.Regexp(t, `host-1 +Ready +<none> +\S+ +v0 `, kubectl(t, "get", "nodes", "-o", "wide"))
}

// report has the server have a node.
func report(t *testing.T) {
	t.Helper()
	require.NoError(t, server.Nodes.Put(t.Context(), &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: "host-1", Labels: map[string]string{"kubevirt.io/schedulable": "true"}},
		Status: corev1.NodeStatus{
			NodeInfo:    corev1.NodeSystemInfo{KubeletVersion: "v0"},
			Allocatable: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("1Gi")},
			Conditions:  []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady"}},
		},
	}))
}

func TestNodesAreReportedAndOnlyRead(t *testing.T) {
	report(t)
	nodes := kube().CoreV1().Nodes()
	node, err := nodes.Get(t.Context(), "host-1", metav1.GetOptions{})
	require.NoError(t, err)
	assert.NotEmpty(t, node.UID)
	changes, err := nodes.Watch(t.Context(), metav1.ListOptions{ResourceVersion: node.ResourceVersion})
	require.NoError(t, err)
	defer changes.Stop()

	node.Name = "other"
	require.NoError(t, server.Nodes.Put(t.Context(), node.DeepCopy()))
	assert.Equal(t, "other", (<-changes.ResultChan()).Object.(*corev1.Node).Name)
	require.NoError(t, server.Nodes.KeepOnly(t.Context(), "host-1"))
	list, err := nodes.List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	require.Len(t, list.Items, 1)
	assert.Equal(t, "host-1", list.Items[0].Name)
	err = nodes.Delete(t.Context(), "host-1", metav1.DeleteOptions{})
	assert.True(t, apierrors.IsMethodNotSupported(err), "%v", err)
}

func TestListsOfWhatThereIsNotAreEmptyAndNotNull(t *testing.T) {
	for _, path := range []string{"/api/v1/pods", "/api/v1/namespaces/default/services", "/api/v1/persistentvolumes"} {
		body, err := kube().Discovery().RESTClient().Get().AbsPath(path).SetHeader("Accept", "application/json").DoRaw(t.Context())
		require.NoError(t, err)
		var list struct{ Items json.RawMessage }
		require.NoError(t, json.Unmarshal(body, &list))
		assert.Equal(t, "[]", string(list.Items), path)
	}
	_, err := kube().CoreV1().Pods("default").Get(t.Context(), "a", metav1.GetOptions{})
	assert.True(t, apierrors.IsNotFound(err), "%v", err)
}

func TestInformersOfWhatThereIsNotAreInSync(t *testing.T) {
	factory := informers.NewSharedInformerFactory(kube(), 0)
	factory.Core().V1().Pods().Informer()
	factory.Core().V1().Services().Informer()
	factory.Core().V1().ServiceAccounts().Informer()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer factory.Shutdown()
	defer cancel()
	factory.Start(ctx.Done())
	for kind, synced := range factory.WaitForCacheSync(ctx.Done()) {
		assert.True(t, synced, kind)
	}
}

func TestWhoMakesWhatThereIsNotIsToldWhy(t *testing.T) {
	_, err := kube().CoreV1().Pods("default").Create(t.Context(), &corev1.Pod{ObjectMeta: named("a")}, metav1.CreateOptions{})
	assert.True(t, apierrors.IsMethodNotSupported(err), "%v", err)
	assert.ErrorContains(t, err, "make a VirtualMachine")
	_, err = kube().CoreV1().Services("default").Create(t.Context(), &corev1.Service{ObjectMeta: named("a")}, metav1.CreateOptions{})
	assert.ErrorContains(t, err, "kubectl virt port-forward")
	_, err = kube().CoreV1().Nodes().Create(t.Context(), &corev1.Node{ObjectMeta: named("a")}, metav1.CreateOptions{})
	assert.ErrorContains(t, err, "its own host")
}
