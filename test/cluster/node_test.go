// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/node/calls"
	"github.com/virt-apiserver/virt-apiserver/pkg/node/link"
	"github.com/virt-apiserver/virt-apiserver/pkg/node/streams"
	"github.com/virt-apiserver/virt-apiserver/test/apitest"
)

// nodeName is whom the certificate of the stand-in's agent is for.
const nodeName = "node-1"

// node stands in for a node and for the controllers: its guests are echoes,
// and what is deleted is let go at once.
type node struct {
	stop context.CancelFunc
	done chan error
}

func startNode(c *controlPlane, port string) (*node, error) {
	options := link.NewServerOptions()
	options.BindAddress = "127.0.0.1"
	options.Certificate = filepath.Join(c.pki, "node-agent.crt")
	options.Key = filepath.Join(c.pki, "node-agent.key")
	options.ClientCA = filepath.Join(c.pki, "node-ca.crt")
	var err error
	if options.Port, err = strconv.Atoi(port); err != nil {
		return nil, fmt.Errorf("port of the node: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	n := &node{stop: stop, done: make(chan error, 1)}
	if err := registerNode(ctx, c.Core); err != nil {
		stop()
		return nil, err
	}
	for _, resource := range []schema.GroupVersionResource{apitest.Machines, apitest.Instances} {
		if err := letGo(ctx, c.Dynamic, resource); err != nil {
			stop()
			return nil, err
		}
	}
	mux := http.NewServeMux()
	streams.Handle(mux, echo{}, func(named *kubevirtv1.VirtualMachineInstance) (*kubevirtv1.VirtualMachineInstance, error) {
		return named, nil
	})
	calls.Handle(mux, agree{})
	go func() { n.done <- link.NewServer(*options, mux).Run(ctx) }()
	return n, nil
}

func (n *node) close() error {
	n.stop()
	return <-n.done
}

func registerNode(ctx context.Context, core kubernetes.Interface) error {
	created, err := core.CoreV1().Nodes().Create(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: nodeName}}, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("create node: %w", err)
	}
	created.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "127.0.0.1"}}
	if _, err := core.CoreV1().Nodes().UpdateStatus(ctx, created, metav1.UpdateOptions{}); err != nil {
		return fmt.Errorf("set the node's address: %w", err)
	}
	return nil
}

// letGo takes our finalizers off whatever is deleted, as the controllers do
// when they have cleaned up; here there is nothing to clean up.
func letGo(ctx context.Context, client dynamic.Interface, resource schema.GroupVersionResource) error {
	factory := dynamicinformer.NewDynamicSharedInformerFactory(client, 0)
	release := func(o *unstructured.Unstructured) {
		if o.GetDeletionTimestamp() == nil {
			return
		}
		o = o.DeepCopy()
		ours := func(finalizer string) bool { return strings.HasPrefix(finalizer, "kubevirt.io/") }
		o.SetFinalizers(slices.DeleteFunc(o.GetFinalizers(), ours))
		// A conflict means that there is a newer object, and an event for it.
		_, _ = client.Resource(resource).Namespace(o.GetNamespace()).Update(ctx, o, metav1.UpdateOptions{})
	}
	_, err := factory.ForResource(resource).Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { release(o.(*unstructured.Unstructured)) },
		UpdateFunc: func(_, o any) { release(o.(*unstructured.Unstructured)) },
	})
	if err != nil {
		return fmt.Errorf("watch %s: %w", resource.Resource, err)
	}
	factory.Start(ctx.Done())
	return nil
}

// echo opens consoles that say who they are, then repeat what they hear.
type echo struct{}

func (echo) Open(_ context.Context, vmi *kubevirtv1.VirtualMachineInstance, stream string) (net.Conn, error) {
	ours, guest := net.Pipe()
	go func() {
		defer guest.Close()
		if _, err := io.WriteString(guest, greeting(vmi.Namespace, vmi.Name, stream)); err != nil {
			return
		}
		_, _ = io.Copy(guest, guest)
	}()
	return ours, nil
}

// agree carries every call out, and draws who was called in place of a screen.
type agree struct{}

func (agree) Call(_ context.Context, vmi *kubevirtv1.VirtualMachineInstance, action string, _, out any) error {
	if action != api.ActionScreenshot {
		return nil
	}
	body, err := json.Marshal(api.Screenshot{PNG: []byte(greeting(vmi.Namespace, vmi.Name, string(vmi.UID)))})
	*out.(*json.RawMessage) = body
	return err
}

func greeting(parts ...string) string { return strings.Join(parts, "/") + "\n" }
