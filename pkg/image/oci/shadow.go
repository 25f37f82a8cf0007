// SPDX-License-Identifier: Apache-2.0

package oci

import (
	"path"
	"strings"
)

const (
	whiteoutPrefix = ".wh."
	opaqueMarker   = ".wh..wh..opq"
	// diskDir holds the disk where no path says otherwise.
	diskDir = "/disk"
)

// search is what is looked for: the file of that path, or with none the only file in /disk.
type search string

// matches says whether the entry of that name is looked for.
func (s search) matches(name string) bool {
	if s != "" {
		return name == string(s)
	}
	return path.Dir(name) == diskDir
}

// isAbove says whether the entry of that name is in a directory that has the path which is looked for.
func (s search) isAbove(name string) bool {
	return s != "" && strings.HasPrefix(name, string(s)+"/")
}

// concerns says whether the entry of that name, or its absence, has to do with what is looked for: it is
// that, or a directory above it.
func (s search) concerns(name string) bool {
	if s.matches(name) {
		return true
	}
	target := string(s)
	if s == "" {
		target = diskDir + "/x"
	}
	return name == "/" || strings.HasPrefix(target, name+"/")
}

// shadow is what upper layers hide of the layers below them. Only what concerns the search is noted, so
// that no image can make it large: names in /disk are what it holds most of, and those are bounded.
type shadow struct {
	// names are hidden with all that is below them.
	names map[string]bool
	// opaque are directories of which everything is hidden that lower layers have in them.
	opaque map[string]bool
}

func newShadow() shadow { return shadow{names: map[string]bool{}, opaque: map[string]bool{}} }

// hides says whether name, in a lower layer, is hidden.
func (s shadow) hides(name string) bool {
	if s.names[name] {
		return true
	}
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		if s.opaque[dir] || s.names[dir] {
			return true
		}
		if dir == "/" {
			return false
		}
	}
}

// add notes what one more layer hides.
func (s shadow) add(layer shadow) {
	for name := range layer.names {
		s.names[name] = true
	}
	for name := range layer.opaque {
		s.opaque[name] = true
	}
}

// whiteout returns what the entry of that name hides in lower layers.
func whiteout(name string) (hidden string, opaque, ok bool) {
	dir, base := path.Split(name)
	if base == opaqueMarker {
		return path.Clean(dir), true, true
	}
	if rest, found := strings.CutPrefix(base, whiteoutPrefix); found {
		return path.Join(dir, rest), false, true
	}
	return "", false, false
}
