// SPDX-License-Identifier: Apache-2.0

package etcd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/coreos/go-semver/semver"
	"go.etcd.io/etcd/api/v3/version"
)

const versionName = "version"

// checkVersion refuses data of an etcd that this one cannot read: etcd opens its own minor version and the one
// before it, and otherwise ends the process.
func checkVersion(root *os.Root) error {
	stored, err := root.ReadFile(versionName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the version of the data: %w", err)
	}
	text := strings.TrimSpace(string(stored))
	written, err := semver.NewVersion(text + ".0")
	if err != nil {
		return fmt.Errorf("%s/%s holds %q instead of a version like 3.7: restore the file or the whole directory from a backup",
			root.Name(), versionName, text)
	}
	ours := semver.New(version.Version)
	if written.Major != ours.Major || written.Minor > ours.Minor || written.Minor+1 < ours.Minor {
		return fmt.Errorf("%s was written by etcd %s, which etcd %d.%d cannot open: use the release that wrote it",
			root.Name(), text, ours.Major, ours.Minor)
	}
	return nil
}

func recordVersion(root *os.Root) error {
	ours := semver.New(version.Version)
	text := fmt.Sprintf("%d.%d\n", ours.Major, ours.Minor)
	if stored, err := root.ReadFile(versionName); err == nil && string(stored) == text {
		return nil
	}
	const fresh = versionName + ".new"
	if err := root.WriteFile(fresh, []byte(text), 0o600); err != nil {
		return fmt.Errorf("record the version of the data: %w", err)
	}
	if err := root.Rename(fresh, versionName); err != nil {
		return fmt.Errorf("record the version of the data: %w", err)
	}
	return nil
}
