// SPDX-License-Identifier: Apache-2.0

package oci_test

import (
	"archive/tar"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/oci"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
)

func TestDiskIsTheOneThatAContainerWouldSee(t *testing.T) {
	t.Parallel()
	address := serve(t, nil)
	for name, test := range map[string]struct {
		layers [][]entry
		path   string
		want   string
	}{
		"the only file":            {[][]entry{{file("disk/a.img", "a")}}, "", "a"},
		"names with a slash ahead": {[][]entry{{file("/disk/a.img", "a")}}, "", "a"},
		"names with a dot ahead":   {[][]entry{{entry{"./disk", "", tar.TypeDir}, file("./disk/a.img", "a")}}, "", "a"},
		"below other layers":       {[][]entry{{file("disk/a.img", "a")}, {file("etc/b", "b")}}, "", "a"},
		"replaced":                 {[][]entry{{file("disk/a.img", "a")}, {file("disk/a.img", "b")}}, "", "b"},
		"one of two removed":       {[][]entry{{file("disk/a.img", "a"), file("disk/b.img", "b")}, {file("disk/.wh.a.img", "")}}, "", "b"},
		"all below removed":        {[][]entry{{file("disk/a.img", "a")}, {file("disk/.wh..wh..opq", ""), file("disk/b.img", "b")}}, "", "b"},
		"the folder made anew":     {[][]entry{{file("disk/a.img", "a")}, {file(".wh.disk", "")}, {file("disk/b.img", "b")}}, "", "b"},
		"whiteout of its own layer": {[][]entry{
			{file("disk/b.img", "a")}, {file("disk/.wh.b.img", ""), file("disk/b.img", "b")}}, "", "b"},
		"a link that was replaced":      {[][]entry{{entry{"disk/a.img", "/etc/passwd", tar.TypeSymlink}}, {file("disk/a.img", "a")}}, "", "a"},
		"by path":                       {[][]entry{{file("disk/a.img", "a"), file("disk/b.img", "b")}}, "/disk/b.img", "b"},
		"by a path of its own":          {[][]entry{{file("images/deep/x", "x"), file("disk/b.img", "b")}}, "/images/deep/x", "x"},
		"folders in the folder":         {[][]entry{{entry{"disk/sub", "", tar.TypeDir}, file("disk/sub/x", "x"), file("disk/a.img", "a")}}, "", "a"},
		"a folder that was made a file": {[][]entry{{entry{"boot", "", tar.TypeDir}, file("boot/k", "a")}, {file("boot", "b")}}, "/boot", "b"},
		"empty":                         {[][]entry{{file("disk/a.img", "")}}, "", ""},
		"larger than a buffer":          {[][]entry{{file("disk/a.img", strings.Repeat("0123456789", 50_000))}}, "", strings.Repeat("0123456789", 50_000)},
	} {
		t.Run(name, func(t *testing.T) {
			var layers []v1.Layer
			for _, entries := range test.layers {
				layers = append(layers, packed(t, entries...))
			}
			image := push(t, address, built(t, layers...))
			got, err := read(t, source.Container{Image: image, Path: test.path}, options())
			require.NoError(t, err)
			assert.Equal(t, test.want, got)
		})
	}
}

func TestImageWithoutOneDiskIsRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	address := serve(t, nil)
	var many []entry
	for i := range 1001 {
		many = append(many, file("disk/.wh."+strings.Repeat("x", i%200)+string(rune('a'+i%26))+strings.Repeat("y", i/200), ""))
	}
	for name, test := range map[string]struct {
		layers [][]entry
		path   string
		reason string
		want   string
	}{
		"none":                      {[][]entry{{file("etc/a", "a")}}, "", failure.NotFound, "no file found in folder /disk"},
		"removed":                   {[][]entry{{file("disk/a", "a")}, {file("disk/.wh.a", "")}}, "", failure.NotFound, "no file found"},
		"folder replaced":           {[][]entry{{file("disk/a", "a")}, {entry{"disk", "etc", tar.TypeSymlink}}}, "", failure.NotFound, "no file found"},
		"not at the path":           {[][]entry{{file("disk/a", "a")}}, "/disk/b", failure.NotFound, "the image has no file /disk/b"},
		"a folder at the path":      {[][]entry{{entry{"boot", "", tar.TypeDir}}}, "/boot", failure.NotFound, "/boot is a directory in the image"},
		"a folder without entry":    {[][]entry{{file("boot/a", "a")}}, "/boot", failure.NotFound, "/boot is a directory in the image"},
		"a file made a folder":      {[][]entry{{file("boot/k", "a")}, {entry{"boot/k", "", tar.TypeDir}}}, "/boot/k", failure.NotFound, "/boot/k is a directory in the image"},
		"a file below which is one": {[][]entry{{file("boot/k", "a")}, {file("boot/k/x", "x")}}, "/boot/k", failure.NotFound, "/boot/k is a directory in the image"},
		"a folder that was removed": {[][]entry{{file("boot/k/x", "a")}, {file("boot/.wh.k", "")}}, "/boot/k", failure.NotFound, "the image has no file /boot/k"},
		"a link on the way":         {[][]entry{{file("usr/boot/k", "a")}, {entry{"boot", "usr/boot", tar.TypeSymlink}}}, "/boot/k", failure.NotFound, "the image has no file /boot/k, other than by links"},
		"a link at the path":        {[][]entry{{file("boot/k-6", "a"), entry{"boot/k", "k-6", tar.TypeSymlink}}}, "/boot/k", failure.CorruptImage, "is no plain file in the image, but a link or a device, which is refused: name a file"},
		"two":                       {[][]entry{{file("disk/a", "a"), file("disk/b", "b")}}, "", failure.CorruptImage, "more than one file found in folder /disk of the image (/disk/a, /disk/b)"},
		"two in two layers":         {[][]entry{{file("disk/a", "a")}, {file("disk/b", "b")}}, "", failure.CorruptImage, "more than one file"},
		"the same twice":            {[][]entry{{file("disk/a", "a"), file("disk/a", "b")}}, "", failure.CorruptImage, "more than one file"},
		"a symbolic link":           {[][]entry{{entry{"disk/a", "/etc/passwd", tar.TypeSymlink}}}, "", failure.CorruptImage, "is no plain file"},
		"a hard link":               {[][]entry{{file("etc/a", "a"), entry{"disk/a", "etc/a", tar.TypeLink}}}, "", failure.CorruptImage, "is no plain file"},
		"a device":                  {[][]entry{{entry{"disk/a", "", tar.TypeBlock}}}, "", failure.CorruptImage, "is no plain file"},
		"a name that leaves":        {[][]entry{{file("disk/../../disk/a", "a")}}, "", failure.CorruptImage, "leads out of it"},
		"a bomb":                    {[][]entry{{file("etc/zeros", strings.Repeat("\x00", 4<<20)), file("disk/a", "a")}}, "", failure.ImageTooLarge, "too large"},
		"a bomb for a disk":         {[][]entry{{file("disk/a", strings.Repeat("\x00", 4<<20))}}, "", failure.ImageTooLarge, "too large"},
		"names without end":         {[][]entry{{file("disk/a", "a")}, many}, "", failure.CorruptImage, "hides more than 1000 files"},
		"no layers":                 {nil, "", failure.UnsupportedFormat, "has 0 layers"},
	} {
		t.Run(name, func(t *testing.T) {
			var layers []v1.Layer
			for _, entries := range test.layers {
				layers = append(layers, packed(t, entries...))
			}
			image := push(t, address, built(t, layers...))
			_, err := read(t, source.Container{Image: image, Path: test.path}, options())
			require.ErrorContains(t, err, test.want)
			assert.Equal(t, test.reason, failure.From(err).Reason)
		})
	}
}

func TestResolveTellsTheDigestThatIsRead(t *testing.T) {
	t.Parallel()
	image := built(t, packed(t, file("disk/a", "a")))
	reference := push(t, serve(t, nil), image)
	digest, err := oci.Resolve(t.Context(), source.Container{Image: reference}, options())
	require.NoError(t, err)
	assert.Equal(t, digestOf(t, image), digest)

	byDigest := strings.TrimSuffix(reference, ":1") + "@" + digest
	got, err := read(t, source.Container{Image: byDigest}, options())
	require.NoError(t, err)
	assert.Equal(t, "a", got)
}
