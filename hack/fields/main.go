// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/kube-openapi/pkg/validation/spec"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/generated/openapi"
)

// ours is what the names of our types begin with.
const ours = "io.kubevirt."

// sections are the types that begin a table, by its heading.
var sections = []struct{ heading, model string }{
	{"VirtualMachine: spec", kubevirtv1.VirtualMachineSpec{}.OpenAPIModelName()},
	{"VirtualMachineInstance: spec (VirtualMachine: spec.template.spec)", kubevirtv1.VirtualMachineInstanceSpec{}.OpenAPIModelName()},
	{"VirtualMachine: status", kubevirtv1.VirtualMachineStatus{}.OpenAPIModelName()},
	{"VirtualMachineInstance: status", kubevirtv1.VirtualMachineInstanceStatus{}.OpenAPIModelName()},
}

func main() {
	if err := write(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "fields:", err)
		os.Exit(1)
	}
}

func write(to io.Writer) error {
	out := bufio.NewWriter(to)
	fmt.Fprint(out, "# Fields\n\nGenerated from the types. A field that is not here is not held: it is refused as unknown.\n")
	w := &walker{out: out, definitions: openapi.GetOpenAPIDefinitions(func(name string) spec.Ref { return spec.MustCreateRef(name) })}
	for _, section := range sections {
		fmt.Fprintf(out, "\n## %s\n\n| field | | |\n|---|---|---|\n", section.heading)
		// The template has a table of its own.
		w.within = []string{kubevirtv1.VirtualMachineInstanceSpec{}.OpenAPIModelName()}
		w.walk("", section.model)
	}
	return out.Flush()
}

// walker writes a line for each field below a type.
type walker struct {
	out         io.Writer
	definitions map[string]common.OpenAPIDefinition
	// within are the types that are not entered: those that it is in, lest it goes round, and those written elsewhere.
	within []string
}

func (w *walker) walk(path, model string) {
	w.within = append(w.within, model)
	defer func() { w.within = w.within[:len(w.within)-1] }()
	properties := w.definitions[model].Schema.Properties
	for _, name := range sorted(properties) {
		field := properties[name]
		kind, inner, suffix := typeOf(&field)
		description := field.Description
		if description == "" && strings.HasPrefix(inner, ours) {
			description = w.definitions[inner].Schema.Description
		}
		fmt.Fprintf(w.out, "| `%s%s%s` | %s | %s |\n", path, name, suffix, kind, oneLine(description))
		if w.isOurs(inner) && !slices.Contains(w.within, inner) {
			w.walk(path+name+suffix+".", inner)
		}
	}
}

func sorted(properties map[string]spec.Schema) []string {
	names := make([]string, 0, len(properties))
	for name := range properties {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// isOurs says whether the fields of a type are told here, and not in Kubernetes' own reference.
func (w *walker) isOurs(model string) bool {
	return strings.HasPrefix(model, ours) && w.definitions[model].Schema.Properties != nil
}

// typeOf names a field's type, and the type of its fields or elements; suffix marks a list.
func typeOf(field *spec.Schema) (kind, inner, suffix string) {
	if field.Items != nil && field.Items.Schema != nil {
		kind, inner, suffix = typeOf(field.Items.Schema)
		return "list of " + kind, inner, suffix + "[]"
	}
	for i := range field.AllOf {
		if ref := field.AllOf[i].Ref.String(); ref != "" {
			return shortName(ref), ref, ""
		}
	}
	if ref := field.Ref.String(); ref != "" {
		return shortName(ref), ref, ""
	}
	if len(field.Type) == 0 {
		return "any", "", ""
	}
	return field.Type[0], "", ""
}

func shortName(model string) string {
	return model[strings.LastIndex(model, ".")+1:]
}

func oneLine(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", `\|`)
}
