// SPDX-License-Identifier: Apache-2.0

package credentials_test

import (
	"encoding/base64"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
	"github.com/virt-apiserver/virt-apiserver/pkg/generated/clientset/versioned"
	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/standalonetest"
)

var live *standalonetest.Server

func TestMain(m *testing.M) {
	standalonetest.Main(m, func(s *standalonetest.Server) { live = s })
}

// space is a namespace of the real server with the machine web, which is halted.
type space struct {
	t            *testing.T
	name, access string
	virt         versioned.Interface
}

func newSpace(t *testing.T, credentials ...kubevirtv1.AccessCredential) *space {
	namespace, err := live.Kube.CoreV1().Namespaces().Create(t.Context(),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}, metav1.CreateOptions{})
	require.NoError(t, err)
	virt, err := versioned.NewForConfig(live.Admin)
	require.NoError(t, err)
	vm := &kubevirtv1.VirtualMachine{ObjectMeta: metav1.ObjectMeta{Name: "web"}}
	vm.Spec.RunStrategy = ptr.To(kubevirtv1.RunStrategyHalted)
	vm.Spec.Template = &kubevirtv1.VirtualMachineInstanceTemplateSpec{}
	vm.Spec.Template.Spec.Domain.Memory = &kubevirtv1.Memory{Guest: ptr.To(verbatim.MustParse("64Mi"))}
	vm.Spec.Template.Spec.AccessCredentials = credentials
	_, err = virt.KubevirtV1().VirtualMachines(namespace.Name).Create(t.Context(), vm, metav1.CreateOptions{})
	require.NoError(t, err)
	return &space{t: t, name: namespace.Name, access: kubeconfig(t), virt: virt}
}

func kubeconfig(t *testing.T) string {
	config := clientcmdapi.NewConfig()
	tls := live.Admin.TLSClientConfig
	config.Clusters["it"] = &clientcmdapi.Cluster{Server: live.Admin.Host, CertificateAuthorityData: tls.CAData}
	config.AuthInfos["it"] = &clientcmdapi.AuthInfo{ClientCertificateData: tls.CertData, ClientKeyData: tls.KeyData}
	config.Contexts["it"] = &clientcmdapi.Context{Cluster: "it", AuthInfo: "it"}
	config.CurrentContext = "it"
	path := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, clientcmd.WriteToFile(*config, path))
	return path
}

func (s *space) run(args ...string) error {
	streams, _, _, _ := genericiooptions.NewTestIOStreams()
	command := kubectlvirt.NewCommand("kubectl-virt", streams)
	command.SetArgs(append(append([]string{"credentials"}, args...), "--kubeconfig", s.access, "-n", s.name))
	return command.ExecuteContext(s.t.Context())
}

// atOnce runs the command of each key at the same time.
func (s *space) atOnce(keys []string, args ...string) {
	var group errgroup.Group
	for _, key := range keys {
		group.Go(func() error { return s.run(append(args[:len(args):len(args)], "--value", key)...) })
	}
	require.NoError(s.t, group.Wait())
}

func (s *space) credentials() []kubevirtv1.AccessCredential {
	vm, err := s.virt.KubevirtV1().VirtualMachines(s.name).Get(s.t.Context(), "web", metav1.GetOptions{})
	require.NoError(s.t, err)
	return vm.Spec.Template.Spec.AccessCredentials
}

// held is what all Secrets hold that the machine's credentials name.
func (s *space) held() []string {
	held := []string{}
	credentials := s.credentials()
	for i := range credentials {
		secret, err := live.Kube.CoreV1().Secrets(s.name).Get(s.t.Context(), credentials[i].SecretName(), metav1.GetOptions{})
		require.NoError(s.t, err)
		for _, value := range secret.Data {
			held = append(held, string(value))
		}
	}
	return held
}

// fourKeys are as many as a command tries again for.
func fourKeys() []string {
	var keys []string
	for i := range byte(4) {
		data := append([]byte("\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20"), make([]byte, 32)...)
		data[len(data)-1] = i
		keys = append(keys, fmt.Sprintf("ssh-ed25519 %s user%d", base64.StdEncoding.EncodeToString(data), i))
	}
	return keys
}

func TestServerKeepsWhatManyAddAndRemoveAtOnce(t *testing.T) {
	t.Run("Secrets of the machine", func(t *testing.T) {
		s := newSpace(t)
		s.atOnce(fourKeys(), "add-ssh-key", "web", "-u", "me", "--create-secret")
		assert.Len(t, s.credentials(), 4)
		assert.ElementsMatch(t, fourKeys(), s.held())
	})
	t.Run("keys of a Secret", func(t *testing.T) {
		s := newSpace(t)
		require.NoError(t, s.run("add-ssh-key", "web", "-u", "me", "--value", key))
		s.atOnce(fourKeys(), "add-ssh-key", "web", "-u", "me")
		assert.ElementsMatch(t, append(fourKeys(), key), s.held())
		s.atOnce(fourKeys(), "remove-ssh-key", "web", "-u", "me")
		assert.Equal(t, []string{key}, s.held())
	})
}

func TestServerTakesThePasswordOfASecretWithoutData(t *testing.T) {
	s := newSpace(t, passwordsOf("passwords"))
	_, err := live.Kube.CoreV1().Secrets(s.name).Create(t.Context(),
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "passwords"}}, metav1.CreateOptions{})
	require.NoError(t, err)
	assert.ErrorContains(t, s.run("set-password", "web", "-u", "me", "-p", "pen"), "does not own")
	require.NoError(t, s.run("set-password", "web", "-u", "me", "-p", "pen", "--force"))
	assert.Equal(t, []string{"pen"}, s.held())
}

func TestServerRefusingTheMachineLeavesNoSecret(t *testing.T) {
	s := newSpace(t)
	err := s.run("add-ssh-key", "web", "-u", "a:b", "--value", key)
	assert.ErrorContains(t, err, "is no name of a user")
	secrets, err := live.Kube.CoreV1().Secrets(s.name).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	assert.Empty(t, secrets.Items)
}
