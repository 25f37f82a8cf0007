// SPDX-License-Identifier: Apache-2.0

package coverage

import (
	_ "embed"
	"maps"
	"reflect"
	"slices"
	"strings"

	upstreamclone "kubevirt.io/api/clone/v1beta1"
	upstreamv1 "kubevirt.io/api/core/v1"
	upstreaminstancetype "kubevirt.io/api/instancetype/v1beta1"

	clonev1beta1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/clone/v1beta1"
	instancetypev1beta1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// HeldFile is where the committed list is, seen from this package.
const HeldFile = "held.txt"

//go:embed held.txt
var held string

// kind is one of KubeVirt's kinds.
type kind struct {
	name string
	// theirs is KubeVirt's type and ours the product's own, or nil.
	theirs, ours reflect.Type
	// within leaves out what another kind has a list of, by path.
	within string
	// areas are paths that the page has a line for each; a field belongs to the longest that leads to it.
	areas []string
}

func kinds() []kind {
	return []kind{
		{
			name:   "VirtualMachine",
			theirs: reflect.TypeFor[upstreamv1.VirtualMachine](), ours: reflect.TypeFor[kubevirtv1.VirtualMachine](),
			within: "spec.template.spec.", // see VirtualMachineInstance
			areas:  []string{"spec", "spec.dataVolumeTemplates", "spec.instancetype", "spec.preference", "spec.template", "status"},
		},
		{
			name:   "VirtualMachineInstance",
			theirs: reflect.TypeFor[upstreamv1.VirtualMachineInstance](), ours: reflect.TypeFor[kubevirtv1.VirtualMachineInstance](),
			areas: []string{
				"spec", "spec.accessCredentials", "spec.dnsConfig", "spec.domain", "spec.domain.chassis", "spec.domain.clock", "spec.domain.cpu",
				"spec.domain.devices", "spec.domain.devices.disks", "spec.domain.devices.filesystems", "spec.domain.devices.gpus",
				"spec.domain.devices.hostDevices", "spec.domain.devices.inputs", "spec.domain.devices.interfaces", "spec.domain.devices.panicDevices",
				"spec.domain.devices.sound", "spec.domain.devices.tpm", "spec.domain.devices.video", "spec.domain.devices.watchdog",
				"spec.domain.features", "spec.domain.firmware", "spec.domain.ioThreads", "spec.domain.launchSecurity", "spec.domain.memory",
				"spec.domain.resources", "spec.livenessProbe", "spec.networks", "spec.readinessProbe", "spec.resourceClaims", "spec.tolerations", "spec.volumes",
				"spec.volumes[].cloudInitConfigDrive", "spec.volumes[].cloudInitNoCloud", "spec.volumes[].configMap", "spec.volumes[].containerDisk",
				"spec.volumes[].dataVolume", "spec.volumes[].downwardAPI", "spec.volumes[].downwardMetrics", "spec.volumes[].emptyDisk",
				"spec.volumes[].ephemeral", "spec.volumes[].hostDisk", "spec.volumes[].memoryDump", "spec.volumes[].persistentVolumeClaim",
				"spec.volumes[].secret", "spec.volumes[].serviceAccount", "spec.volumes[].sysprep",
				"status", "status.interfaces", "status.migrationState", "status.volumeStatus",
			},
		},
		{
			name:   "VirtualMachineInstanceMigration",
			theirs: reflect.TypeFor[upstreamv1.VirtualMachineInstanceMigration](),
			areas:  []string{"spec", "status"},
		},
		{
			name:   "VirtualMachineInstancetype",
			theirs: reflect.TypeFor[upstreaminstancetype.VirtualMachineInstancetype](), ours: reflect.TypeFor[instancetypev1beta1.VirtualMachineInstancetype](),
			areas: []string{"spec"},
		},
		{
			name:   "VirtualMachinePreference",
			theirs: reflect.TypeFor[upstreaminstancetype.VirtualMachinePreference](), ours: reflect.TypeFor[instancetypev1beta1.VirtualMachinePreference](),
			areas: []string{"spec"},
		},
		{
			name:   "VirtualMachineClone",
			theirs: reflect.TypeFor[upstreamclone.VirtualMachineClone](), ours: reflect.TypeFor[clonev1beta1.VirtualMachineClone](),
			areas: []string{"spec", "status"},
		},
	}
}

// counts says whether a path is one of the kind's own.
func (k kind) counts(path string) bool { return k.within == "" || !strings.HasPrefix(path, k.within) }

// heldPaths are those that both types have.
func (k kind) heldPaths() []string {
	if k.ours == nil {
		return nil
	}
	ours := paths(k.ours)
	var both []string
	for path := range paths(k.theirs) {
		if _, there := ours[path]; there && k.counts(path) {
			both = append(both, path)
		}
	}
	slices.Sort(both)
	return both
}

// Held is the text that held.txt should have: what is held now.
func Held() string {
	var text strings.Builder
	for _, kind := range kinds() {
		for _, path := range kind.heldPaths() {
			text.WriteString(kind.name + " " + path + "\n")
		}
	}
	return text.String()
}

// Area is a part of a kind.
type Area struct {
	Kind, Path string
	// Missing are the fields that are not held. One stands for all below it.
	Missing []string
	// Count is how many fields it has in all, and HeldCount how many of them are held.
	Count, HeldCount int
}

// Areas are all areas.
func Areas() []Area {
	var all []Area
	for _, kind := range kinds() {
		all = append(all, kind.report()...)
	}
	return all
}

func (k kind) report() []Area {
	ours := map[string]bool{}
	for _, path := range k.heldPaths() {
		ours[path] = true
	}
	reports := map[string]*Area{}
	for _, path := range k.areas {
		reports[path] = &Area{Kind: k.name, Path: path}
	}
	for _, path := range slices.Sorted(maps.Keys(paths(k.theirs))) {
		area := reports[k.areaOf(path)]
		if area == nil || !k.counts(path) || strings.HasSuffix(path, "]") || strings.HasSuffix(path, "}") {
			continue
		}
		area.Count++
		switch {
		case ours[path]:
			area.HeldCount++
		case !area.stands(path):
			area.Missing = append(area.Missing, path)
		}
	}
	var all []Area
	for _, path := range k.areas {
		all = append(all, *reports[path])
	}
	return all
}

// MissingNames are the missing fields, as they are called within the area.
func (a *Area) MissingNames() []string {
	var names []string
	for _, path := range a.Missing {
		names = append(names, strings.TrimLeft(strings.TrimPrefix(path, a.Path), ".[]"))
	}
	return names
}

// areaOf gives the longest area that leads to a path.
func (k kind) areaOf(path string) string {
	best := ""
	for _, area := range k.areas {
		if len(area) > len(best) && leadsTo(area, path) {
			best = area
		}
	}
	return best
}

func leadsTo(prefix, path string) bool {
	rest, ok := strings.CutPrefix(path, prefix)
	return ok && (rest == "" || strings.ContainsRune(".[{", rune(rest[0])))
}

// stands says whether a field that is missing stands for path already.
func (a *Area) stands(path string) bool {
	return slices.ContainsFunc(a.Missing, func(missing string) bool { return leadsTo(missing, path) })
}
