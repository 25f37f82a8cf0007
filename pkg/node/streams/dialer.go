// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// dialTimeout bounds everything up to the first byte of a stream.
const dialTimeout = 15 * time.Second

// NodeGetter returns the core Node of a name; a lister or a client.
type NodeGetter func(ctx context.Context, name string) (*corev1.Node, error)

// Dialer opens streams through the agents of nodes.
type Dialer struct {
	options Options
	nodes   NodeGetter
}

// NewDialer returns a Dialer. The files of options are read for each stream, so that renewed certificates
// are used without a restart.
func NewDialer(options Options, nodes NodeGetter) *Dialer {
	return &Dialer{options: options, nodes: nodes}
}

// Open opens a stream ("console", "vnc") of vmi on the node that runs it. ctx bounds the opening only.
func (d *Dialer) Open(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, stream string) (net.Conn, error) {
	nodeName := vmi.Status.NodeName
	if nodeName == "" {
		return nil, apierrors.NewBadRequest("the guest is not running: it has no node yet")
	}
	host, err := d.address(ctx, nodeName)
	if err != nil {
		return nil, unavailable(nodeName, err)
	}
	config, err := d.options.clientTLS(nodeName)
	if err != nil {
		return nil, unavailable(nodeName, err)
	}
	// One connection for one stream: nothing may be kept for another node's certificate to be used with.
	transport := &http.Transport{TLSClientConfig: config, DisableKeepAlives: true, Proxy: nil}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	socket, err := Dial(ctx, d.url(host, vmi, stream), &http.Client{Transport: transport, CheckRedirect: noRedirect})
	if err != nil {
		var refused *apierrors.StatusError
		if errors.As(err, &refused) {
			return nil, refused
		}
		return nil, unavailable(nodeName, err)
	}
	return &socketConn{Socket: socket, address: host}, nil
}

func (d *Dialer) url(host string, vmi *kubevirtv1.VirtualMachineInstance, stream string) string {
	return fmt.Sprintf("https://%s/v1/namespaces/%s/virtualmachineinstances/%s/%s",
		net.JoinHostPort(host, strconv.Itoa(d.options.Port)),
		url.PathEscape(vmi.Namespace), url.PathEscape(vmi.Name), url.PathEscape(stream))
}

// address is the first InternalIP of the node.
func (d *Dialer) address(ctx context.Context, name string) (string, error) {
	node, err := d.nodes(ctx, name)
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

func unavailable(node string, err error) error {
	return apierrors.NewServiceUnavailable(fmt.Sprintf("the agent of node %q can't be reached: %v", node, err))
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
