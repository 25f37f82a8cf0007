// SPDX-License-Identifier: Apache-2.0

package seed

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFilesOfObjectsAreReadByOtherTools(t *testing.T) {
	long := "a" + strings.Repeat("-long", 48) + ".conf"
	image, err := Files("cfgdata", map[string][]byte{
		"UPPER_lower.Name": []byte("a"), ".hidden": []byte("b"), "..data-2": []byte("c"), long: []byte("d"),
		"empty": nil, "labels/x": []byte("e"), "autounattend.xml": bytes.Repeat([]byte("x"), 5000),
	})
	require.NoError(t, err)
	iso := write(t, image)
	assert.Equal(t, "cfgdata", label(t, iso))
	got := contents(t, iso, "-R")
	for name, content := range image.Files {
		assert.Equal(t, string(content), got["/"+name], name)
	}
}

func TestImageOfNothingIsAnImage(t *testing.T) {
	image, err := Files("OEMDRV", nil)
	require.NoError(t, err)
	assert.Equal(t, "OEMDRV", label(t, write(t, image)))
}

func TestFilesThatLeaveTheImageAreRefused(t *testing.T) {
	for _, name := range []string{"", "/etc/passwd", "../x", "..", "a/../../x", "a//b", "./a", strings.Repeat("x", 256)} {
		_, err := Files("cfgdata", map[string][]byte{name: nil})
		assert.Error(t, err, name)
	}
	_, err := Files(strings.Repeat("x", 17), nil)
	require.ErrorContains(t, err, "label: has 17 bytes")
	_, err = Files("cfgdata", map[string][]byte{"a": make([]byte, MaxBytes), "b": {1}})
	require.ErrorContains(t, err, "the most is 1048576")
}
