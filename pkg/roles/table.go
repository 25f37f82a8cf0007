// SPDX-License-Identifier: Apache-2.0

package roles

import (
	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	clonev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/clone/v1beta1"
	instancetypev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	subresourcesv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/subresources/v1"
)

// Rights are verbs by the name of the role that allows them.
type Rights map[string][]string

// Entry is what the roles allow on one resource, or on one subresource as in virtualmachines/start.
type Entry struct {
	Groups   []string
	Resource string
	Rights   Rights
}

var (
	reading = []string{"get", "list", "watch"}
	editing = append(reading[:3:3], "create", "update", "patch", "delete")
	all     = append(editing[:7:7], "deletecollection")
)

// The kinds of rights.
var (
	stored      = Rights{Admin: all, Edit: editing, View: reading}
	clusterWide = Rights{Admin: all, Edit: editing, View: reading, InstancetypeView: reading}
	migrating   = Rights{Migrate: all, Admin: reading, Edit: reading, View: reading}
	settings    = Rights{Operator: all, Edit: {"get", "list"}, View: {"get", "list"}, Default: {"get", "list"}}
	told        = Rights{Default: {"get", "list"}}
	volumes     = Rights{CDIAdmin: {"*"}, CDIEdit: {"*"}, CDIView: reading}
	copying     = Rights{CDIAdmin: {"create"}, CDIEdit: {"create"}}
	// ours are for the product's own components, and for the administrators of the cluster.
	ours = Rights{}
)

// using is what changes a machine, or gives access to its guest.
func using(verb string) Rights { return Rights{Admin: {verb}, Edit: {verb}} }

// asking is what tells of a machine and changes nothing.
func asking(verb string) Rights { return Rights{Admin: {verb}, Edit: {verb}, View: {verb}} }

// Table returns all entries.
func Table() []Entry {
	kubevirt, clients := []string{kubevirtv1.SchemeGroupVersion.Group}, []string{subresourcesv1.GroupName}
	// The same actions are subresources of the resource itself.
	both := append(clients[:1:1], kubevirt...)
	instancetypes, cdi := []string{instancetypev1.SchemeGroupVersion.Group}, []string{cdiv1.SchemeGroupVersion.Group}
	clones := []string{clonev1.SchemeGroupVersion.Group}
	return []Entry{
		{kubevirt, "kubevirts", settings},
		{kubevirt, "virtualmachines", stored},
		{kubevirt, "virtualmachines/status", ours},
		{kubevirt, "virtualmachineinstances", stored},
		{kubevirt, "virtualmachineinstances/status", ours},
		// Tests and installers bind the role, which is KubeVirt's, before anything here migrates.
		{kubevirt, "virtualmachineinstancemigrations", migrating},

		{both, "virtualmachines/addvolume", using("update")},
		{both, "virtualmachines/expand-spec", asking("get")},
		{both, "virtualmachines/migrate", Rights{Migrate: {"update"}}},
		{both, "virtualmachines/portforward", using("get")},
		{both, "virtualmachines/removevolume", using("update")},
		{both, "virtualmachines/restart", using("update")},
		{both, "virtualmachines/start", using("update")},
		{both, "virtualmachines/stop", using("update")},
		{kubevirt, "virtualmachines/console", using("get")},

		{both, "virtualmachineinstances/addvolume", using("update")},
		{both, "virtualmachineinstances/console", using("get")},
		{both, "virtualmachineinstances/filesystemlist", asking("get")},
		{both, "virtualmachineinstances/freeze", using("update")},
		{both, "virtualmachineinstances/guestosinfo", asking("get")},
		{both, "virtualmachineinstances/pause", using("update")},
		{both, "virtualmachineinstances/portforward", using("get")},
		{both, "virtualmachineinstances/removevolume", using("update")},
		{both, "virtualmachineinstances/reset", using("update")},
		{both, "virtualmachineinstances/softreboot", using("update")},
		{both, "virtualmachineinstances/unfreeze", using("update")},
		{both, "virtualmachineinstances/unpause", using("update")},
		{both, "virtualmachineinstances/userlist", asking("get")},
		{both, "virtualmachineinstances/vnc", using("get")},
		// A path below vnc; requests for it are authorised as vnc.
		{both, "virtualmachineinstances/vnc/screenshot", using("get")},
		// Reaches whatever listens in a guest, without a password: no role of KubeVirt's has it.
		{both, "virtualmachineinstances/vsock", ours},

		{clients, "expand-vm-spec", asking("update")},
		{clients, "guestfs", told},
		{clients, "healthz", told},
		{clients, "version", told},
		// Parents of the actions, which have no verbs.
		{clients, "virtualmachines", ours},
		{clients, "virtualmachineinstances", ours},

		{instancetypes, "virtualmachineinstancetypes", stored},
		{instancetypes, "virtualmachinepreferences", stored},
		{instancetypes, "virtualmachineclusterinstancetypes", clusterWide},
		{instancetypes, "virtualmachineclusterpreferences", clusterWide},

		{clones, "virtualmachineclones", stored},
		{clones, "virtualmachineclones/status", ours},

		{cdi, "datavolumes", volumes},
		{cdi, "datavolumes/status", ours},
		// May copy the claims of the namespace into others.
		{cdi, "datavolumes/source", copying},
	}
}
