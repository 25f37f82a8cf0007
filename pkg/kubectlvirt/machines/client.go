// SPDX-License-Identifier: Apache-2.0

package machines

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"

	"k8s.io/apimachinery/pkg/version"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/rest"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/generated/clientset/versioned"
)

// actions is the group version of the actions.
const actions = "/apis/subresources.kubevirt.io/v1"

// Client works on the machines of one namespace.
type Client struct {
	// Namespace of the machines.
	Namespace string
	explicit  bool
	config    *rest.Config
	clientset versioned.Interface
}

// NewClient returns a client for the server and the namespace that the flags choose.
func NewClient(flags genericclioptions.RESTClientGetter) (*Client, error) {
	namespace, explicit, err := flags.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return nil, err
	}
	config, err := flags.ToRESTConfig()
	if err != nil {
		return nil, err
	}
	clientset, err := versioned.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return &Client{Namespace: namespace, explicit: explicit, config: config, clientset: clientset}, nil
}

// Start has the machine started.
func (c *Client) Start(ctx context.Context, name string, options *kubevirtv1.StartOptions) error {
	return c.act(ctx, name, "start", options)
}

// Stop has the machine stopped.
func (c *Client) Stop(ctx context.Context, name string, options *kubevirtv1.StopOptions) error {
	return c.act(ctx, name, "stop", options)
}

// Restart has the machine's guest ended and started anew.
func (c *Client) Restart(ctx context.Context, name string, options *kubevirtv1.RestartOptions) error {
	return c.act(ctx, name, "restart", options)
}

func (c *Client) act(ctx context.Context, name, action string, options any) error {
	if err := c.put(ctx, VirtualMachines, name, action, options); err != nil {
		return c.explainAction(name, action, err)
	}
	return nil
}

// put has an action carried out; options may be nil.
func (c *Client) put(ctx context.Context, resource, name, action string, options any) error {
	request := c.clientset.KubevirtV1().RESTClient().Put().AbsPath(c.path(resource, name, action))
	if options != nil {
		body, err := json.Marshal(options)
		if err != nil {
			return err
		}
		request = request.SetHeader("Content-Type", "application/json").Body(body)
	}
	return request.Do(ctx).Error()
}

func (c *Client) path(resource, name, subresource string) string {
	return fmt.Sprintf("%s/namespaces/%s/%s/%s/%s", actions, url.PathEscape(c.Namespace), resource, url.PathEscape(name), subresource)
}

// ServerVersion is the version of the API that the server speaks.
func (c *Client) ServerVersion(ctx context.Context) (*version.Info, error) {
	body, err := c.clientset.KubevirtV1().RESTClient().Get().AbsPath(actions, "version").DoRaw(ctx)
	if err != nil {
		return nil, c.explain(err)
	}
	info := &version.Info{}
	if err := json.Unmarshal(body, info); err != nil {
		return nil, fmt.Errorf("read the server's version: %w", err)
	}
	return info, nil
}
