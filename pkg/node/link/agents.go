// SPDX-License-Identifier: Apache-2.0

package link

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// NodeGetter returns the core Node of a name; a lister or a client.
type NodeGetter func(ctx context.Context, name string) (*corev1.Node, error)

// Agents are the agents of all nodes.
type Agents struct {
	options Options
	nodes   NodeGetter
}

// NewAgents returns the agents of nodes. The files of options are read for each request, so that renewed
// certificates are used without a restart.
func NewAgents(options Options, nodes NodeGetter) *Agents {
	return &Agents{options: options, nodes: nodes}
}

// Reach returns where to ask for something of vmi, and the client for that one request. Its errors are API
// errors.
func (a *Agents) Reach(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, what string) (string, *http.Client, error) {
	nodeName := vmi.Status.NodeName
	if nodeName == "" {
		return "", nil, apierrors.NewBadRequest("the guest is not running: it has no node yet")
	}
	host, err := a.address(ctx, nodeName)
	if err != nil {
		return "", nil, Unavailable(vmi, err)
	}
	config, err := a.options.clientTLS(nodeName)
	if err != nil {
		return "", nil, Unavailable(vmi, err)
	}
	// One connection for one request: nothing may be kept for another node's certificate to be used with.
	transport := &http.Transport{TLSClientConfig: config, DisableKeepAlives: true, Proxy: nil}
	return a.url(host, vmi, what), &http.Client{Transport: transport, CheckRedirect: noRedirect}, nil
}

func (a *Agents) url(host string, vmi *kubevirtv1.VirtualMachineInstance, what string) string {
	return fmt.Sprintf("https://%s/v1/namespaces/%s/virtualmachineinstances/%s/%s?uid=%s",
		net.JoinHostPort(host, strconv.Itoa(a.options.Port)),
		url.PathEscape(vmi.Namespace), url.PathEscape(vmi.Name), url.PathEscape(what), url.QueryEscape(string(vmi.UID)))
}

// address is the first InternalIP of the node.
func (a *Agents) address(ctx context.Context, name string) (string, error) {
	node, err := a.nodes(ctx, name)
	if err != nil {
		return "", err
	}
	for _, address := range node.Status.Addresses {
		if address.Type == corev1.NodeInternalIP && net.ParseIP(address.Address) != nil {
			return address.Address, nil
		}
	}
	return "", fmt.Errorf("node %q has no InternalIP in its status", name)
}

// Unavailable says that the agent of vmi's node could not be asked.
func Unavailable(vmi *kubevirtv1.VirtualMachineInstance, err error) error {
	return apierrors.NewServiceUnavailable(fmt.Sprintf("the agent of node %q can't be reached: %v", vmi.Status.NodeName, err))
}

func noRedirect(*http.Request, []*http.Request) error {
	return http.ErrUseLastResponse
}

// clientTLS presents the API server's certificate and insists that the agent's is for that very node, by
// DNS name: an address alone could be another node's.
func (o Options) clientTLS(nodeName string) (*tls.Config, error) {
	certificate, err := tls.LoadX509KeyPair(o.ClientCertificate, o.ClientKey)
	if err != nil {
		return nil, fmt.Errorf("read the client certificate for nodes: %w", err)
	}
	roots, err := certificatePool(o.CertificateAuthority)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{certificate},
		RootCAs:      roots,
		ServerName:   nodeName,
		NextProtos:   []string{"http/1.1"},
	}, nil
}
