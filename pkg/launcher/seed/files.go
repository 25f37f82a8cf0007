// SPDX-License-Identifier: Apache-2.0

package seed

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

const (
	// maxLabel is what Joliet takes, maxName what Rock Ridge does.
	maxLabel = 16
	maxName  = 255
)

// Files lays out the contents of an object, by path. It refuses paths that lead out of the image, and more
// than objects hold.
func Files(label string, files map[string][]byte) (*Image, error) {
	if label == "" || len(label) > maxLabel {
		return nil, fmt.Errorf("label: has %d bytes, want 1 to %d", len(label), maxLabel)
	}
	total := 0
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := checkName(name); err != nil {
			return nil, fmt.Errorf("file %.300q: %w", name, err)
		}
		total += len(files[name])
	}
	if total > MaxBytes {
		return nil, fmt.Errorf("%d bytes, the most is %d", total, MaxBytes)
	}
	return &Image{Label: label, Files: files}, nil
}

func checkName(name string) error {
	if name == "" || path.IsAbs(name) || path.Clean(name) != name || name == ".." || strings.HasPrefix(name, "../") {
		return errors.New("is no relative path in the image")
	}
	for part := range strings.SplitSeq(name, "/") {
		if len(part) > maxName {
			return fmt.Errorf("has a name of more than %d bytes", maxName)
		}
	}
	return nil
}
