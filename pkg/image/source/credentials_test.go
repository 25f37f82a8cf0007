// SPDX-License-Identifier: Apache-2.0

package source_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
)

func TestCredentialsGoToTheirOwnRegistryOnly(t *testing.T) {
	t.Parallel()
	config := []byte(`{"auths": {
		"https://registry.example/v1/": {"auth": "Y2xlcms6cGVuY2ls"},
		"registry.example/team/disks": {"username": "team", "password": "a:b"},
		"registry.example:5000": {"identitytoken": "tok"}}}`)
	for image, want := range map[string]source.Container{
		"registry.example/fedora:1":                      {Username: "clerk", Password: "pencil"},
		"registry.example/team/disks/x@sha256:" + digest: {Username: "team", Password: "a:b"},
		"registry.example/team/disks2":                   {Username: "clerk", Password: "pencil"},
		"registry.example:5000/x":                        {Token: "tok"},
		"other.example/x":                                {},
		"registry.example.evil/x":                        {},
		"oci-layout:/images/x":                           {},
	} {
		got := source.Container{Image: image}
		require.NoError(t, got.SetCredentials(config), image)
		want.Image = image
		assert.Equal(t, want, got, image)
	}
}

const digest = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func TestSecretsThatAreNoneAreRefusedWithoutTheirContent(t *testing.T) {
	t.Parallel()
	for _, config := range []string{`pencil`, `{"auths": {"registry.example": {"auth": "pencil!"}}}`, `{"auths": {"registry.example": {"auth": "cGVuY2ls"}}}`} {
		c := source.Container{Image: "registry.example/x"}
		err := c.SetCredentials([]byte(config))
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "pencil")
	}
}

func TestImagesOnDiskAreTold(t *testing.T) {
	t.Parallel()
	for image, want := range map[string]source.Local{
		"oci-layout:/a/b":           {Path: "/a/b"},
		"oci-archive:/a/b.tar":      {Path: "/a/b.tar", Archive: true},
		"oci-layout:/a/b:1.2":       {Path: "/a/b", Tag: "1.2"},
		"oci-layout:/a/b@sha256:ab": {Path: "/a/b", Digest: "sha256:ab"},
	} {
		local, ok := source.ParseLocal(image)
		require.True(t, ok, image)
		assert.Equal(t, want, local)
	}
	_, ok := source.ParseLocal("localhost:5000/oci-layout:x")
	assert.False(t, ok)
}

func FuzzSetCredentials(f *testing.F) {
	f.Add("registry.example/x:1", []byte(`{"auths": {"registry.example": {"auth": "Y2xlcms6cGVuY2ls"}}}`))
	f.Fuzz(func(_ *testing.T, image string, config []byte) {
		c := source.Container{Image: image}
		_ = c.SetCredentials(config)
	})
}
