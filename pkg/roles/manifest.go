// SPDX-License-Identifier: Apache-2.0

package roles

import (
	"fmt"
	"io"

	"sigs.k8s.io/yaml"
)

const heading = `# What users may do, under KubeVirt's and CDI's names. Those that name an aggregate join the cluster's own
# roles admin, edit and view. Generated from pkg/roles: change the table there and run make generate.
`

// WriteManifest writes all roles and bindings as one manifest.
func WriteManifest(to io.Writer) error {
	var objects []any
	for _, role := range ClusterRoles(Table()) {
		objects = append(objects, role)
	}
	for _, binding := range Bindings() {
		objects = append(objects, binding)
	}
	if _, err := io.WriteString(to, heading); err != nil {
		return err
	}
	for _, object := range objects {
		text, err := yaml.Marshal(object)
		if err != nil {
			return fmt.Errorf("encode a role: %w", err)
		}
		if _, err := fmt.Fprintf(to, "---\n%s", text); err != nil {
			return err
		}
	}
	return nil
}
