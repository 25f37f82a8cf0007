// SPDX-License-Identifier: Apache-2.0

package source

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// Container is a file in a container image: in a registry, or in an OCI layout or archive on disk, which
// whoever has the image opened hands over beside it. Username, Password and Token are secret and are sent
// to the image's own registry only.
type Container struct {
	// Image is a reference such as HOST/NAME:TAG or HOST/NAME@DIGEST, or "oci-layout:PATH" or
	// "oci-archive:PATH", each with an optional ":TAG" or "@DIGEST" where there is more than one image.
	Image string `json:"image"`
	// Path of the file in the image; empty for the only file in /disk.
	Path string `json:"path,omitempty"`
	// Plain takes the file as it is, which needs a Path; otherwise it is a disk, raw or qcow2, which is decoded.
	Plain bool `json:"plain,omitempty"`
	// Username and Password, or Token, are what the registry is shown.
	Username string `json:"username,omitempty"`
	Password string `json:"password,omitempty"`
	// Token is an identity token, which the registry's token server exchanges.
	Token string `json:"token,omitempty"`
	// CACert holds PEM certificates that are trusted beside the system's.
	CACert string `json:"caCert,omitempty"`
}

// The prefixes of images that are on disk.
const (
	LayoutPrefix  = "oci-layout:"
	ArchivePrefix = "oci-archive:"
)

const maxImageName = 1024

// Validate returns an error that names the first field that cannot be used.
func (c Container) Validate() error {
	if err := ValidateImage(c.Image); err != nil {
		return fmt.Errorf("image: %w", err)
	}
	if err := ValidateDiskPath(c.Path); err != nil {
		return fmt.Errorf("path: %w", err)
	}
	if c.Plain && c.Path == "" {
		return errors.New("path: must name the file that is taken as it is")
	}
	return validateCACert(c.CACert)
}

// ValidateImage refuses what can't name an image. A reference to a registry is only looked at coarsely:
// the registry's own library judges the rest.
func ValidateImage(image string) error {
	switch {
	case image == "":
		return errors.New("must name a container image")
	case len(image) > maxImageName:
		return fmt.Errorf("is longer than %d bytes", maxImageName)
	case strings.ContainsFunc(image, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return errors.New("must not hold spaces or control characters")
	}
	if local, ok := ParseLocal(image); ok && (!path.IsAbs(local.Path) || path.Clean(local.Path) != local.Path) {
		return fmt.Errorf("%q is no clean absolute path of an image on disk", local.Path)
	}
	return nil
}

// ValidateDiskPath refuses what can't be the path of a file in an image.
func ValidateDiskPath(file string) error {
	switch {
	case file == "":
		return nil
	case !path.IsAbs(file):
		return errors.New("must be an absolute path to a file without relative elements")
	case file == "/":
		return errors.New("must not point to root")
	case path.Clean(file) != file:
		return errors.New("must be an absolute path to a file without relative elements")
	}
	return nil
}

// Local is an image on disk.
type Local struct {
	// Archive says whether Path is a tar archive; else it is a directory.
	Archive bool
	Path    string
	// Tag and Digest choose an image; at most one is set.
	Tag    string
	Digest string
}

// ParseLocal splits an image on disk into its parts; ok is false where the image is in a registry.
func ParseLocal(image string) (local Local, ok bool) {
	rest, ok := strings.CutPrefix(image, LayoutPrefix)
	if !ok {
		if rest, ok = strings.CutPrefix(image, ArchivePrefix); !ok {
			return Local{}, false
		}
		local.Archive = true
	}
	// A digest has a colon of its own.
	if file, digest, found := strings.Cut(rest, "@"); found {
		local.Path, local.Digest = file, digest
		return local, true
	}
	local.Path, local.Tag, _ = strings.Cut(rest, ":")
	return local, true
}
