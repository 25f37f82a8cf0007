// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// soon is how long anything may take that is not said to take longer.
const soon = 30 * time.Second

// tick is how often a condition is looked at.
const tick = 100 * time.Millisecond

// controlPlane is what tests know of the cluster: how to reach its parts.
type controlPlane struct {
	kubeconfig    string
	kubectlPath   string
	pki           string
	virtAPIServer string
	config        *rest.Config
	core          kubernetes.Interface
	dynamic       dynamic.Interface
	node          *node
}

func newControlPlane(dir string) (*controlPlane, error) {
	settings, err := readSettings(filepath.Join(dir, "cluster.env"))
	if err != nil {
		return nil, err
	}
	c := &controlPlane{
		kubeconfig:    filepath.Join(dir, "kubeconfig"),
		kubectlPath:   settings["KUBECTL"],
		pki:           settings["PKI"],
		virtAPIServer: settings["VIRT_APISERVER"],
	}
	if c.config, err = clientcmd.BuildConfigFromFlags("", c.kubeconfig); err != nil {
		return nil, err
	}
	c.config.QPS = -1
	if c.core, err = kubernetes.NewForConfig(c.config); err != nil {
		return nil, err
	}
	if c.dynamic, err = dynamic.NewForConfig(c.config); err != nil {
		return nil, err
	}
	if c.node, err = startNode(c, settings["NODE_PORT"]); err != nil {
		return nil, fmt.Errorf("stand-in for the node: %w", err)
	}
	return c, nil
}

func (c *controlPlane) close() error { return c.node.close() }

func readSettings(path string) (map[string]string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	settings := map[string]string{}
	for line := range strings.Lines(string(content)) {
		if name, value, found := strings.Cut(strings.TrimSpace(line), "="); found {
			settings[name] = value
		}
	}
	return settings, nil
}

// command is a kubectl command against the cluster.
func (c *controlPlane) command(t *testing.T, stdin string, args ...string) *exec.Cmd {
	command := exec.CommandContext(t.Context(), c.kubectlPath, append([]string{"--kubeconfig", c.kubeconfig}, args...)...)
	command.Stdin = strings.NewReader(stdin)
	// Discovery is cached by server; another cluster may have had this port.
	command.Env = append(os.Environ(), "KUBECACHEDIR="+filepath.Join(filepath.Dir(c.kubeconfig), "kubectl-cache"))
	return command
}

// kubectl runs a command that must succeed and gives what it printed.
func (c *controlPlane) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	return c.kubectlWith(t, "", args...)
}

// kubectlWith is kubectl with something on its standard input.
func (c *controlPlane) kubectlWith(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	output, message, err := c.tryKubectl(t, stdin, args...)
	require.NoError(t, err, "kubectl %s\n%s%s", strings.Join(args, " "), output, message)
	return output
}

// tryKubectl gives what was printed to standard output and standard error.
func (c *controlPlane) tryKubectl(t *testing.T, stdin string, args ...string) (output, message string, err error) {
	var out, errOut bytes.Buffer
	command := c.command(t, stdin, args...)
	command.Stdout, command.Stderr = &out, &errOut
	err = command.Run()
	return out.String(), errOut.String(), err
}

// namespace makes a namespace that is deleted when the test is over.
func (c *controlPlane) namespace(t *testing.T) string {
	t.Helper()
	ns, err := c.core.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = c.core.CoreV1().Namespaces().Delete(context.Background(), ns.Name, metav1.DeleteOptions{})
	})
	return ns.Name
}

// as gives a configuration that acts for another user.
func (c *controlPlane) as(user string) *rest.Config {
	config := rest.CopyConfig(c.config)
	config.Impersonate.UserName = user
	return config
}
