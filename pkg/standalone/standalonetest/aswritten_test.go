// SPDX-License-Identifier: Apache-2.0

package standalonetest_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	clonev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/clone/v1beta1"
	instancetypev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// asWritten has values that Kubernetes' own types write in other words or leave out.
const asWritten = `{"runStrategy": "Halted", "template": {"metadata": {"labels": {}}, "spec": {
	"nodeSelector": {},
	"domain": {
		"cpu": {"cores": 1, "dedicatedCpuPlacement": false},
		"memory": {"guest": "1024Mi"},
		"resources": {"requests": {"cpu": "1000m"}},
		"devices": {"disableHotplug": false, "inputs": [], "interfaces": [{"name": "default", "masquerade": {}, "macAddress": ""}]}},
	"networks": [{"name": "default", "pod": {}}],
	"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "none", "hotpluggable": false}}]}}}`

const clones = "/apis/clone.kubevirt.io/v1beta1/namespaces/default/virtualmachineclones"

// object is an object as JSON has it.
type object = map[string]any

// exchange makes a request as the administrator and returns the code and the object in the answer.
func exchange(t *testing.T, method, path, contentType, body string) (int, object) {
	t.Helper()
	code, raw := sendRaw(t, method, path, contentType, body)
	got := object{}
	require.NoError(t, json.Unmarshal(raw, &got))
	return code, got
}

// createMachine makes a machine of a name of its own: without its controller none is ever gone.
func createMachine(t *testing.T, spec string) (name string, created object) {
	t.Helper()
	code, created := exchange(t, http.MethodPost, machines, "application/json",
		`{"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "metadata": {"generateName": "as-written-"}, "spec": `+spec+`}`)
	require.Equal(t, http.StatusCreated, code, created)
	return created["metadata"].(object)["name"].(string), created
}

func decode(t *testing.T, text string) (decoded object) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(text), &decoded))
	return decoded
}

func encode(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	return string(text)
}

// TestASpecIsKeptAsItIsWrittenByEachWayToWriteIt also writes it twice: the second write changes nothing.
func TestASpecIsKeptAsItIsWrittenByEachWayToWriteIt(t *testing.T) {
	const head = `{"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "metadata": {"name": "NAME"}, "spec": `
	const other = `{"runStrategy": "Halted", "template": {"spec": {"domain": {"devices": {}, "memory": {"guest": "1Gi"}}}}}`
	want := decode(t, asWritten)
	for way, write := range map[string]func(t *testing.T, name string, at object) object{
		"put": func(t *testing.T, name string, at object) object {
			at["spec"] = want
			code, got := exchange(t, http.MethodPut, machines+"/"+name, "application/json", encode(t, at))
			require.Equal(t, http.StatusOK, code, got)
			return got
		},
		"json-patch": func(t *testing.T, name string, _ object) object {
			code, got := exchange(t, http.MethodPatch, machines+"/"+name, "application/json-patch+json", `[{"op": "replace", "path": "/spec", "value": `+asWritten+`}]`)
			require.Equal(t, http.StatusOK, code, got)
			return got
		},
		"merge-patch": func(t *testing.T, name string, _ object) object {
			code, got := exchange(t, http.MethodPatch, machines+"/"+name, "application/merge-patch+json", `{"spec": `+asWritten+`}`)
			require.Equal(t, http.StatusOK, code, got)
			return got
		},
		"apply": func(t *testing.T, name string, _ object) object {
			code, got := exchange(t, http.MethodPatch, machines+"/"+name+"?fieldManager=test&force=true", "application/apply-patch+yaml",
				strings.Replace(head, "NAME", name, 1)+asWritten+"}")
			require.Equal(t, http.StatusOK, code, got)
			return got
		},
	} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			name, at := createMachine(t, other)
			first := write(t, name, at)
			assert.Equal(t, want, first["spec"])
			second := write(t, name, first)
			assert.Equal(t, first, second, "the second write changes nothing")
			_, read := exchange(t, http.MethodGet, machines+"/"+name, "", "")
			assert.Equal(t, want, read["spec"])
		})
	}
}

// TestNoValueOfASpecIsRewritten writes each member of each spec that users write as its zero value, and each quantity
// in words of its own, into specs that are valid without. What is accepted is there as it was sent.
func TestNoValueOfASpecIsRewritten(t *testing.T) {
	const machine = `"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine"`
	source, _ := createMachine(t, asWritten)
	for _, kind := range []struct {
		path, head string
		of         any
		least      int // of values that are kept, so that the test sees something
		bases      []string
	}{
		{machines, machine, kubevirtv1.VirtualMachineSpec{}, 230, []string{
			`{"runStrategy": "Halted", "template": {"spec": {
				"domain": {"memory": {"guest": "64Mi"}, "devices": {"disks": [{"name": "d", "disk": {}}], "interfaces": [{"name": "default"}]}},
				"networks": [{"name": "default", "pod": {}}], "volumes": [{"name": "d", "containerDisk": {"image": "example.com/a:b"}}]}}}`,
			`{"running": false, "template": {"spec": {
				"livenessProbe": {"tcpSocket": {"port": 22}}, "readinessProbe": {"httpGet": {"port": 80, "httpHeaders": [{"name": "a", "value": "b"}]}},
				"domain": {"memory": {"guest": "2Gi"}, "features": {"smm": {}, "hyperv": {"vendorid": {"vendorid": "a"}, "spinlocks": {"spinlocks": 8191}}},
					"firmware": {"bootloader": {"efi": {}}}, "clock": {"utc": {}},
					"devices": {"disks": [{"name": "d", "cdrom": {}}], "interfaces": [{"name": "default", "masquerade": {}, "ports": [{"port": 1}]}]}},
				"networks": [{"name": "default", "multus": {"networkName": "a"}}], "volumes": [{"name": "d", "dataVolume": {"name": "a"}}]}}}`,
			`{"runStrategy": "Halted", "template": {"spec": {"domain": {"devices": {"disks": [{"name": "d", "lun": {}}]}},
				"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "a"}}]}}}`,
		}},
		{volumes, `"apiVersion": "cdi.kubevirt.io/v1beta1", "kind": "DataVolume"`, cdiv1.DataVolumeSpec{}, 30, []string{
			`{"source": {"blank": {}}, "storage": {"resources": {"requests": {"storage": "16Mi"}}}}`,
			`{"source": {"http": {"url": "http://example.com/a"}}, "pvc": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "16Mi"}}}}`,
			`{"source": {"registry": {"url": "docker://example.com/a"}}, "storage": {"resources": {"requests": {"storage": "16Mi"}}}}`,
		}},
		{sizes, `"apiVersion": "instancetype.kubevirt.io/v1beta1", "kind": "VirtualMachineClusterInstancetype"`,
			instancetypev1.VirtualMachineInstancetypeSpec{}, 45, []string{`{"cpu": {"guest": 1}, "memory": {"guest": "64Mi"}}`}},
		{
			strings.Replace(sizes, "instancetypes", "preferences", 1), `"apiVersion": "instancetype.kubevirt.io/v1beta1", "kind": "VirtualMachineClusterPreference"`,
			instancetypev1.VirtualMachinePreferenceSpec{}, 190, []string{`{}`},
		},
		{clones, `"apiVersion": "clone.kubevirt.io/v1beta1", "kind": "VirtualMachineClone"`, clonev1.VirtualMachineCloneSpec{}, 9, []string{
			`{"source": {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": "` + source + `"}}`,
		}},
	} {
		t.Run(kind.path[strings.LastIndex(kind.path, "/")+1:], func(t *testing.T) {
			t.Parallel()
			kept, refused := 0, []string{}
			visit(reflect.TypeOf(kind.of), nil, func(path []any, value any) {
				if isKubernetes(path) {
					return
				}
				why := ""
				for _, base := range kind.bases {
					spec := insert(decode(t, base), path, value)
					code, got := exchange(t, http.MethodPost, kind.path+"?dryRun=All&fieldValidation=Strict", "application/json",
						fmt.Sprintf(`{%s, "metadata": {"name": "probe"}, "spec": %s}`, kind.head, encode(t, spec)))
					if code == http.StatusCreated {
						kept++
						assert.Equal(t, spec, got["spec"], "%v=%v", path, value)
						return
					}
					assert.Contains(t, []int{http.StatusBadRequest, http.StatusUnprocessableEntity}, code, "%v=%v: %v", path, value, got["message"])
					why = fmt.Sprintf("%v=%v: %v", path, value, got["message"])
				}
				refused = append(refused, why)
			})
			t.Logf("%d values are kept, these are refused:\n%s", kept, strings.Join(refused, "\n"))
			assert.GreaterOrEqual(t, kept, kind.least)
		})
	}
}

// isKubernetes says whether Kubernetes writes a member so for each object: names that are empty are left out, and
// selectors are in its own type.
func isKubernetes(path []any) bool {
	if slices.Contains(path, any("selector")) {
		return true
	}
	at := slices.Index(path, any("metadata"))
	return at >= 0 && at == len(path)-2 && slices.Contains([]any{"name", "generateName", "namespace"}, path[at+1])
}

// element is a member of a path that leads into a list, and what its only element begins as.
type element struct{ begin *object }

// visit calls with the path of each member that may be there or not, and its zero values.
func visit(t reflect.Type, path []any, with func(path []any, value any)) {
	if unmarshals(t) {
		for _, value := range scalars(t) {
			with(path, value)
		}
		return
	}
	switch t.Kind() {
	case reflect.Pointer:
		visit(t.Elem(), path, with)
	case reflect.Slice:
		with(path, []any{})
		if t.Elem().Kind() == reflect.Struct {
			visit(t.Elem(), append(path[:len(path):len(path)], elementOf(t.Elem())), with)
		}
	case reflect.Map:
		with(path, object{})
	case reflect.Struct:
		if len(path) > 0 && !hasRequired(t) {
			with(path, object{})
		}
		for i := range t.NumField() {
			visitField(t.Field(i), path, with)
		}
	default:
		for _, value := range scalars(t) {
			with(path, value)
		}
	}
}

// hasRequired says whether a struct without members is refused by KubeVirt's schema.
func hasRequired(t reflect.Type) bool {
	for i := range t.NumField() {
		tag := t.Field(i).Tag.Get("json")
		if !strings.Contains(tag, ",") && (t.Field(i).Type.Kind() != reflect.Struct || unmarshals(t.Field(i).Type)) {
			return true
		}
	}
	return false
}

func unmarshals(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]())
}

func elementOf(t reflect.Type) element {
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name == "name" {
			return element{&object{"name": "added"}}
		}
	}
	return element{&object{}}
}

func visitField(field reflect.StructField, path []any, with func(path []any, value any)) {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	if name == "" { // the members of an embedded struct
		visit(field.Type, path, func(at []any, value any) {
			if len(at) > len(path) {
				with(at, value)
			}
		})
		return
	}
	visit(field.Type, append(path[:len(path):len(path)], name), with)
}

// scalars are values of a type that is no struct in JSON. Numbers are those that JSON is decoded to.
func scalars(t reflect.Type) []any {
	switch {
	case t.Name() == "Quantity":
		return []any{"1024Mi", "64Mi", "65536Ki", float64(67108864), "1000m", "0"}
	case t.Name() == "IntOrString":
		return []any{float64(0), "http"}
	case t.Kind() == reflect.Bool:
		return []any{false, true}
	case t.Kind() == reflect.String:
		return []any{"", "a"}
	case t.Kind() == reflect.Struct: // a time
		return nil
	}
	return []any{float64(0), float64(1)}
}

// insert sets what is at path in value, and makes what is missing on the way.
func insert(value any, path []any, leaf any) any {
	if len(path) == 0 {
		if members, ok := leaf.(object); ok && len(members) == 0 && value != nil {
			return value // the base has it, with members
		}
		return leaf
	}
	if first, ok := path[0].(element); ok {
		elements, _ := value.([]any)
		if len(elements) == 0 {
			elements = []any{maps.Clone(*first.begin)}
		}
		elements[0] = insert(elements[0], path[1:], leaf)
		return elements
	}
	members, _ := value.(object)
	if members == nil {
		members = object{}
	}
	name := path[0].(string)
	members[name] = insert(members[name], path[1:], leaf)
	return members
}
