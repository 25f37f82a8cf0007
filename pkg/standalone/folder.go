// SPDX-License-Identifier: Apache-2.0

package standalone

import (
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/apimachinery/pkg/api/resource"
)

// resolveFolder makes the path of a folder that the administrator names absolute and free of symbolic links:
// paths below it are compared literally, and links below it are not followed.
func resolveFolder(folder string) (string, error) {
	absolute, err := filepath.Abs(folder)
	if err != nil {
		return "", fmt.Errorf("make %s absolute: %w", folder, err)
	}
	resolved, err := filepath.EvalSymlinks(absolute)
	if err != nil {
		return "", fmt.Errorf("%w: make the folder, or leave it out", err)
	}
	info, err := os.Stat(resolved)
	if err != nil {
		return "", err
	}
	if !info.IsDir() || resolved == "/" {
		return "", fmt.Errorf("%s: must be a folder, and not the whole file system", folder)
	}
	return resolved, nil
}

// quantityFlag is a flag such as 50Gi.
type quantityFlag struct{ *resource.Quantity }

func (f quantityFlag) Set(text string) (err error) {
	*f.Quantity, err = resource.ParseQuantity(text)
	return err
}

func (f quantityFlag) Type() string { return "quantity" }
