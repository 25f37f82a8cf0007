// SPDX-License-Identifier: Apache-2.0

package core

import (
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/virt-apiserver/virt-apiserver/pkg/apis/install"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/core/apiextensions"
)

// Install registers the kinds that this package serves, with their defaults. As with the product's kinds, a
// type is its own hub.
func Install(scheme *runtime.Scheme) {
	install.Group(scheme, addCore, corev1.SchemeGroupVersion)
	install.Group(scheme, addStorage, storagev1.SchemeGroupVersion)
	install.Group(scheme, addAuthorization, authorizationv1.SchemeGroupVersion)
	install.Group(scheme, apiextensions.AddKnownTypes, apiextensions.SchemeGroupVersion)

	install.FieldLabels(scheme, corev1.SchemeGroupVersion.WithKind("Namespace"), "status.phase", "name")
	install.FieldLabels(scheme, corev1.SchemeGroupVersion.WithKind("Secret"), "type")
	install.FieldLabels(scheme, corev1.SchemeGroupVersion.WithKind("Node"), "spec.unschedulable")
	install.FieldLabels(scheme, corev1.SchemeGroupVersion.WithKind("Pod"), "spec.nodeName", "spec.restartPolicy",
		"spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork", "status.phase", "status.podIP", "status.podIPs", "status.nominatedNodeName")
	install.FieldLabels(scheme, corev1.SchemeGroupVersion.WithKind("ReplicationController"), "status.replicas")
	install.FieldLabels(scheme, corev1.SchemeGroupVersion.WithKind("Service"), "spec.clusterIP", "spec.type")
	install.FieldLabels(scheme, corev1.SchemeGroupVersion.WithKind("Event"),
		"involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
		"involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath",
		"reason", "reportingComponent", "source", "type")

	scheme.AddTypeDefaultingFunc(&corev1.Namespace{}, func(obj any) { defaultNamespace(obj.(*corev1.Namespace)) })
	scheme.AddTypeDefaultingFunc(&corev1.Secret{}, func(obj any) { defaultSecret(obj.(*corev1.Secret)) })
	scheme.AddTypeDefaultingFunc(&corev1.PersistentVolumeClaim{}, func(obj any) { defaultClaim(obj.(*corev1.PersistentVolumeClaim)) })
	scheme.AddTypeDefaultingFunc(&storagev1.StorageClass{}, func(obj any) { defaultStorageClass(obj.(*storagev1.StorageClass)) })
}

func addCore(scheme *runtime.Scheme, gv schema.GroupVersion) {
	scheme.AddKnownTypes(gv,
		&corev1.Namespace{}, &corev1.NamespaceList{},
		&corev1.Secret{}, &corev1.SecretList{},
		&corev1.ConfigMap{}, &corev1.ConfigMapList{},
		&corev1.Event{}, &corev1.EventList{},
		&corev1.PersistentVolumeClaim{}, &corev1.PersistentVolumeClaimList{},
		&corev1.Node{}, &corev1.NodeList{},
	)
	for _, kind := range emptyKinds() {
		scheme.AddKnownTypes(gv, kind.newObject(), kind.newList())
	}
}

func addStorage(scheme *runtime.Scheme, gv schema.GroupVersion) {
	scheme.AddKnownTypes(gv, &storagev1.StorageClass{}, &storagev1.StorageClassList{})
}

func addAuthorization(scheme *runtime.Scheme, gv schema.GroupVersion) {
	scheme.AddKnownTypes(gv, &authorizationv1.SelfSubjectAccessReview{}, &authorizationv1.SelfSubjectRulesReview{})
}
