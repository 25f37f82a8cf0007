// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/record"

	"github.com/virt-apiserver/virt-apiserver/pkg/generated/clientset/versioned/scheme"
)

// NewRecorder returns a recorder of events about our kinds and about claims, which are told as component's, until ctx ends.
// Events that repeat are counted, and those of an object that has too many are dropped.
func NewRecorder(ctx context.Context, events corev1client.EventsGetter, component string) record.EventRecorder {
	broadcaster := record.NewBroadcaster(record.WithContext(ctx))
	broadcaster.StartRecordingToSink(&corev1client.EventSinkImpl{Interface: events.Events("")})
	return broadcaster.NewRecorder(kinds(), corev1.EventSource{Component: component})
}

// kinds are those that events are about: ours, and claims.
func kinds() *runtime.Scheme {
	kinds := runtime.NewScheme()
	utilruntime.Must(scheme.AddToScheme(kinds))
	kinds.AddKnownTypes(corev1.SchemeGroupVersion, &corev1.PersistentVolumeClaim{})
	return kinds
}
