// SPDX-License-Identifier: Apache-2.0

package hostnode

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

const (
	// lookInterval and heartbeat are kubelet's: a look at the host is cheap, a write is not.
	lookInterval = 10 * time.Second
	heartbeat    = 5 * time.Minute
)

// Nodes keeps what is reported.
type Nodes interface {
	Get(ctx context.Context, name string) (*corev1.Node, error)
	Put(ctx context.Context, node *corev1.Node) error
	KeepOnly(ctx context.Context, name string) error
}

// Config is what a Reporter works with.
type Config struct {
	NodeName string
	// Disk is a path on the file system of the guests' disks.
	Disk string
	// Health is that of the host's launcher.
	Health func(context.Context) (*api.Health, error)
	Nodes  Nodes
}

// Reporter reports the host.
type Reporter struct {
	config Config
	host   host
}

// New returns a Reporter; Run runs it.
func New(config Config) *Reporter {
	return &Reporter{config: config, host: host{root: "/", disk: config.Disk}}
}

// Run reports the host until ctx is done.
func (r *Reporter) Run(ctx context.Context) error {
	if err := r.config.Nodes.KeepOnly(ctx, r.config.NodeName); err != nil {
		return fmt.Errorf("remove nodes of other names: %w", err)
	}
	ticker := time.NewTicker(lookInterval)
	defer ticker.Stop()
	for {
		if err := r.report(ctx, metav1.Now()); err != nil && ctx.Err() == nil {
			klog.FromContext(ctx).Error(err, "The host was not reported as a node")
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// report writes where something changed, or the last report is old.
func (r *Reporter) report(ctx context.Context, now metav1.Time) error {
	fresh, err := r.node(ctx)
	if err != nil {
		return fmt.Errorf("look at the host: %w", err)
	}
	stored, err := r.config.Nodes.Get(ctx, r.config.NodeName)
	if apierrors.IsNotFound(err) {
		stored, err = &corev1.Node{}, nil
	}
	if err != nil {
		return err
	}
	date(fresh, stored, now)
	if same(fresh, stored) && !old(stored, now) {
		return nil
	}
	return r.config.Nodes.Put(ctx, fresh)
}

// date dates the conditions: each changed when its status did.
func date(fresh, stored *corev1.Node, now metav1.Time) {
	for i := range fresh.Status.Conditions {
		condition := &fresh.Status.Conditions[i]
		condition.LastHeartbeatTime, condition.LastTransitionTime = now, now
		before := conditionOf(stored, condition.Type)
		if before != nil && before.Status == condition.Status {
			condition.LastTransitionTime = before.LastTransitionTime
		}
	}
}

// same leaves out what only tells of the time.
func same(fresh, stored *corev1.Node) bool {
	for i := range fresh.Status.Conditions {
		condition := &fresh.Status.Conditions[i]
		before := conditionOf(stored, condition.Type)
		if before == nil || before.Status != condition.Status || before.Reason != condition.Reason || before.Message != condition.Message {
			return false
		}
	}
	a, b := fresh.Status.DeepCopy(), stored.Status.DeepCopy()
	a.Conditions, b.Conditions = nil, nil
	return apiequality.Semantic.DeepEqual(a, b) && apiequality.Semantic.DeepEqual(fresh.Labels, stored.Labels)
}

func old(stored *corev1.Node, now metav1.Time) bool {
	ready := conditionOf(stored, corev1.NodeReady)
	return ready == nil || now.Sub(ready.LastHeartbeatTime.Time) >= heartbeat
}

func conditionOf(node *corev1.Node, kind corev1.NodeConditionType) *corev1.NodeCondition {
	for i := range node.Status.Conditions {
		if node.Status.Conditions[i].Type == kind {
			return &node.Status.Conditions[i]
		}
	}
	return nil
}
