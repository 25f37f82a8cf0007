// SPDX-License-Identifier: Apache-2.0

package containerdisks

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"k8s.io/klog/v2"
)

const (
	// sweepPeriod is how often unused disks are looked for.
	sweepPeriod = 10 * time.Minute
	// keepUsed is how long a disk stays after it was asked for, so that a launcher can take it.
	keepUsed = time.Hour
	// blockSize is the unit in which the space of a file is counted.
	blockSize = 512
)

// Run removes disks that nobody uses, from time to time, until ctx ends.
func (c *Cache) Run(ctx context.Context) {
	ticker := time.NewTicker(sweepPeriod)
	defer ticker.Stop()
	for {
		c.sweep(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// idle is a disk that nobody uses.
type idle struct {
	entry string
	bytes int64
	since time.Time
}

// sweep removes the disks that nobody has used for too long, and, of the others that nobody uses, the oldest
// for as long as they take more than they may.
func (c *Cache) sweep(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	unused := c.unused(time.Now())
	slices.SortFunc(unused, func(a, b idle) int { return cmp.Or(a.since.Compare(b.since), cmp.Compare(a.entry, b.entry)) })
	var total int64
	for _, disk := range unused {
		total += disk.bytes
	}
	for _, disk := range unused {
		if total <= c.config.MaxBytes && time.Since(disk.since) <= c.config.MaxAge {
			continue
		}
		if err := c.remove(disk.entry); err != nil {
			klog.FromContext(ctx).Error(err, "A container disk that nobody uses can't be removed", "entry", disk.entry)
			continue
		}
		total -= disk.bytes
		klog.FromContext(ctx).Info("Removed a container disk that nobody uses", "entry", disk.entry, "bytes", disk.bytes)
	}
}

// unused lists the disks that have no other name and were not asked for just now; the caller holds mu.
func (c *Cache) unused(now time.Time) []idle {
	var found []idle
	for entry := range c.entries {
		disk, err := c.stat(entry)
		if err != nil {
			delete(c.entries, entry) // somebody removed it
			continue
		}
		stat, ok := disk.Sys().(*syscall.Stat_t)
		used, err := c.lastUse(entry)
		if !ok || err != nil || stat.Nlink > 1 || now.Sub(used) < keepUsed {
			continue
		}
		found = append(found, idle{entry: entry, bytes: stat.Blocks * blockSize, since: used})
	}
	return found
}

func (c *Cache) lastUse(entry string) (time.Time, error) {
	info, err := c.root.Lstat(filepath.Join(entry, metaName))
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}

// remove removes an entry, which first leaves its name as a whole; the caller holds mu.
func (c *Cache) remove(entry string) error {
	removed := removedPrefix + entry
	if err := c.root.Rename(entry, removed); err != nil && !os.IsNotExist(err) {
		return err
	}
	delete(c.entries, entry)
	return c.root.RemoveAll(removed)
}
