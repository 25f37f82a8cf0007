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
	// diskMode is that of files which nobody writes.
	diskMode = 0o400
	// maxMeta is the size in bytes above which a meta.json is not ours, maxGrants what it may list.
	maxMeta   = 1 << 20
	maxGrants = 1000
)

// meta says what an entry is.
type meta struct {
	// Digest of the image, Path of the file in it, and whether that is taken as it is; else it is a disk.
	Digest string `json:"digest"`
	Path   string `json:"path,omitempty"`
	Plain  bool   `json:"plain,omitempty"`
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

// is says whether the entry is that file, of whatever image.
func (m *meta) is(src source.Container) bool { return m.Path == src.Path && m.Plain == src.Plain }

// allows says whether whoever has grant g may use the file without the registry being asked.
func (m *meta) allows(g grant) bool {
	return slices.Contains(m.Grants, g) || slices.Contains(m.Grants, grant{Image: g.Image})
}

// entryName is the directory of the file that src names, of the image of that digest.
func entryName(digest string, src source.Container) string {
	name := digest + "\x00" + src.Path
	if src.Plain {
		name += "\x00plain"
	}
	return sum(name)
}

func sum(text string) string {
	digest := sha256.Sum256([]byte(text))
	return hex.EncodeToString(digest[:])
}

// paths are those of the entries' files; nil where one is not there any more. The caller holds mu.
func (c *Cache) paths(entries []string) []string {
	paths := make([]string, 0, len(entries))
	for _, entry := range entries {
		if c.entries[entry] == nil {
			return nil
		}
		paths = append(paths, filepath.Join(c.path, entry, diskName))
	}
	return paths
}

// byGrant finds the image of which all files are there, and whoever has g may use them. It returns its digest.
func (c *Cache) byGrant(g grant, sources []source.Container) (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, known := range c.entries {
		if known.is(sources[0]) && c.allowAll(known.Digest, g, sources) {
			return known.Digest, true
		}
	}
	return "", false
}

// allowAll says whether all files of the image of that digest are there for whoever has g; the caller holds mu.
func (c *Cache) allowAll(digest string, g grant, sources []source.Container) bool {
	for _, src := range sources {
		if known := c.entries[entryName(digest, src)]; known == nil || !known.allows(g) {
			return false
		}
	}
	return true
}

// useAll is use for each file of the image of that digest; it returns their entries.
func (c *Cache) useAll(digest string, g grant, sources []source.Container) ([]string, bool) {
	entries := make([]string, 0, len(sources))
	for _, src := range sources {
		entry := entryName(digest, src)
		if !c.use(entry, g) {
			return nil, false
		}
		entries = append(entries, entry)
	}
	return entries, true
}

// has says whether there is a file of that name.
func (c *Cache) has(entry string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.entries[entry] != nil
}

// use notes that the file is wanted now, which keeps it for a while, and by whom. It is false where the
// file is not there any more.
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
		if other != known && other.Path == known.Path && other.Plain == known.Plain && slices.Contains(other.Grants, g) {
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
	if entryName(known.Digest, source.Container{Path: known.Path, Plain: known.Plain}) != entry {
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

// stat looks at the file of an entry.
func (c *Cache) stat(entry string) (os.FileInfo, error) {
	return c.root.Lstat(filepath.Join(entry, diskName))
}
