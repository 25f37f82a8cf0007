// SPDX-License-Identifier: Apache-2.0

package beneath_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/beneath"
)

func TestAFolderThatOthersCanChangeIsRefused(t *testing.T) {
	top := t.TempDir()
	deep := filepath.Join(top, "a", "b")
	require.NoError(t, os.MkdirAll(deep, 0o755))
	require.NoError(t, os.Symlink(deep, filepath.Join(top, "link")))
	require.NoError(t, beneath.Guarded(deep))
	require.NoError(t, beneath.Guarded(top+"/link"))
	assert.ErrorIs(t, beneath.Guarded(top+"/none"), os.ErrNotExist)

	for _, mode := range []os.FileMode{0o777, 0o775, 0o757} {
		require.NoError(t, os.Chmod(filepath.Join(top, "a"), mode))
		assert.ErrorContains(t, beneath.Guarded(deep), "chmod go-w "+top+"/a", "%o", mode)
		assert.ErrorContains(t, beneath.Guarded(top+"/link"), "chmod go-w "+top+"/a", "%o", mode)
	}
	require.NoError(t, os.Chmod(filepath.Join(top, "a"), 0o777|os.ModeSticky))
	require.NoError(t, beneath.Guarded(deep), "as below /tmp")
	assert.ErrorContains(t, beneath.Guarded(top+"/a"), "chmod go-w", "files of others can be put there")

	if os.Geteuid() != 0 {
		t.Skip("only root gives folders away")
	}
	require.NoError(t, os.Chown(filepath.Join(top, "a"), 65534, 65534))
	assert.ErrorContains(t, beneath.Guarded(deep), top+"/a belongs to user 65534")
}
