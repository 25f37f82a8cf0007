// SPDX-License-Identifier: Apache-2.0

package containerdisks

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
)

const (
	diskName = "disk.img"
	metaName = "meta.json"
	// diskMode is that of a base: nobody writes it.
	diskMode = 0o400
	// maxMeta is the size in bytes above which a meta.json is not ours, maxGrants what it may list.
	maxMeta   = 1 << 20
	maxGrants = 1000
)

// meta says what an entry is.
type meta struct {
	// Digest of the image, and Path of the disk in it.
	Digest string `json:"digest"`
	Path   string `json:"path,omitempty"`
	// Grants tell who has had the image, by what name and with which credentials.
	Grants []grant `json:"grants"`
}

// grant is that a registry has given the image of that name to whoever has the credentials.
type grant struct {
	Image string `json:"image"`
	// Credentials is a digest of them; empty for none.
	Credentials string `json:"credentials,omitempty"`
}

// grantOf is what pulling src proves.
func grantOf(src source.Container) grant {
	g := grant{Image: src.Image}
	if src.Username+src.Password+src.Token != "" {
		raw, _ := json.Marshal([]string{src.Username, src.Password, src.Token})
		g.Credentials = sum(string(raw))
	}
	return g
}

// allows says whether whoever has grant g may use the disk without the registry being asked.
func (m *meta) allows(g grant) bool {
	return slices.Contains(m.Grants, g) || slices.Contains(m.Grants, grant{Image: g.Image})
}

// entryName is the directory of a disk.
func entryName(digest, path string) string { return sum(digest + "\x00" + path) }

func sum(text string) string {
	digest := sha256.Sum256([]byte(text))
	return hex.EncodeToString(digest[:])
}

func (c *Cache) diskPath(entry string) string { return filepath.Join(c.path, entry, diskName) }

// byGrant finds the disk of an image that whoever has g may use.
func (c *Cache) byGrant(g grant, path string) (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, known := range c.entries {
		if known.Path == path && known.allows(g) {
			return name, true
		}
	}
	return "", false
}

// has says whether there is a disk of that name.
func (c *Cache) has(entry string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.entries[entry] != nil
}

// use notes that the disk is wanted now, which keeps it for a while, and by whom. It is false where the
// disk is not there any more.
func (c *Cache) use(entry string, g grant) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.entries[entry]
	if known == nil {
		return false
	}
	now := time.Now()
	if err := c.root.Chtimes(filepath.Join(entry, metaName), now, now); err != nil {
		return false
	}
	// A tag that has moved is not this image's any more.
	for name, other := range c.entries {
		if other != known && other.Path == known.Path && slices.Contains(other.Grants, g) {
			other.Grants = slices.DeleteFunc(other.Grants, func(had grant) bool { return had == g })
			_ = c.writeMeta(name, other)
		}
	}
	if !slices.Contains(known.Grants, g) && len(known.Grants) < maxGrants {
		known.Grants = append(known.Grants, g)
	}
	// Where it can't be stored, the registry is asked once more after a restart.
	_ = c.writeMeta(entry, known)
	return true
}

func (c *Cache) readMeta(entry string) (*meta, error) {
	f, err := c.root.Open(filepath.Join(entry, metaName))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxMeta))
	if err != nil {
		return nil, err
	}
	return parseMeta(entry, raw)
}

func parseMeta(entry string, raw []byte) (*meta, error) {
	var known meta
	if err := json.Unmarshal(raw, &known); err != nil {
		return nil, fmt.Errorf("%s of %s: %w", metaName, entry, err)
	}
	if entryName(known.Digest, known.Path) != entry {
		return nil, fmt.Errorf("%s of %s: is that of another image", metaName, entry)
	}
	return &known, nil
}

// writeMeta replaces meta.json; a crash leaves the old one or the new one.
func (c *Cache) writeMeta(dir string, known *meta) error {
	raw, err := json.Marshal(known)
	if err != nil {
		return err
	}
	name := filepath.Join(dir, metaName)
	if err := c.root.WriteFile(name+".new", raw, 0o600); err != nil {
		return err
	}
	return c.root.Rename(name+".new", name)
}

// stat looks at the disk of an entry.
func (c *Cache) stat(entry string) (os.FileInfo, error) {
	return c.root.Lstat(filepath.Join(entry, diskName))
}
