// SPDX-License-Identifier: Apache-2.0

package core_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/standalonetest"
)

var server *standalonetest.Server

func TestMain(m *testing.M) {
	standalonetest.Main(m, func(s *standalonetest.Server) { server = s })
}

func kube() kubernetes.Interface { return server.Kube }

// newNamespace returns the name of a namespace of the test's own.
func newNamespace(t *testing.T) string {
	t.Helper()
	namespace, err := kube().CoreV1().Namespaces().Create(t.Context(),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}, metav1.CreateOptions{})
	require.NoError(t, err)
	return namespace.Name
}

func named(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: name} }
