// SPDX-License-Identifier: Apache-2.0

package beneath

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// othersWrite are the bits of a mode that let others than the owner write.
const othersWrite = 0o022

// Guarded refuses a folder in which somebody else than root or the user of this process could put one file in the
// place of another: one that others own or may write to, or that lies below such a folder.
func Guarded(folder string) error {
	resolved, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return err
	}
	return guarded(resolved, false)
}

// guarded lets a sticky folder such as /tmp pass where it is not the last: nobody can rename what others have there.
func guarded(folder string, passed bool) error {
	if parent := filepath.Dir(folder); parent != folder {
		if err := guarded(parent, true); err != nil {
			return err
		}
	}
	info, err := os.Lstat(folder)
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("%s: its owner is not known", folder)
	}
	if stat.Uid != 0 && int(stat.Uid) != os.Geteuid() {
		return fmt.Errorf("the folder %s belongs to user %d, who could put another file in the place of one; give it to root: chown root %s",
			folder, stat.Uid, folder)
	}
	if info.Mode()&othersWrite == 0 || passed && info.Mode()&os.ModeSticky != 0 {
		return nil
	}
	return fmt.Errorf("others may write to the folder %s (%s) and could put another file in the place of one; take that from them: chmod go-w %s",
		folder, info.Mode(), folder)
}
