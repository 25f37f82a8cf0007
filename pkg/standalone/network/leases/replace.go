// SPDX-License-Identifier: Apache-2.0

package leases

import (
	"errors"
	"os"
)

// Replace puts content into a file below root so that whoever reads it, also after a crash, finds all of the
// old content or all of the new.
func Replace(root *os.Root, name string, content []byte) error {
	next := name + ".new"
	f, err := root.OpenFile(next, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := root.Rename(next, name); err != nil {
		return err
	}
	dir, err := root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
