// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/client-go/rest"

	"github.com/virt-apiserver/virt-apiserver/test/apitest"
)

// soon is how long anything may take that is not said to take longer.
const soon = 2 * time.Minute

// tick is how often a condition is looked at.
const tick = 100 * time.Millisecond

// controlPlane is what tests know of the cluster: how to reach its parts.
type controlPlane struct {
	*apitest.API
	kubeconfig    string
	pki           string
	virtAPIServer string
	node          *node
}

func newControlPlane(dir string) (*controlPlane, error) {
	settings, err := readSettings(filepath.Join(dir, "cluster.env"))
	if err != nil {
		return nil, err
	}
	c := &controlPlane{
		kubeconfig:    filepath.Join(dir, "kubeconfig"),
		pki:           settings["PKI"],
		virtAPIServer: settings["VIRT_APISERVER"],
	}
	if c.API, err = apitest.New(settings["KUBECTL"], c.kubeconfig, filepath.Join(dir, "kubectl-cache")); err != nil {
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

// as gives a configuration that acts for another user.
func (c *controlPlane) as(user string) *rest.Config {
	config := rest.CopyConfig(c.Config)
	config.Impersonate.UserName = user
	return config
}
