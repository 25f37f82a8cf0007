// SPDX-License-Identifier: Apache-2.0

package qcow2_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/qcow2"
)

func TestOverlayIsWhatQEMUMakesOne(t *testing.T) {
	t.Parallel()
	for _, size := range []int64{512, 1 << 20, 1<<29 + 512, 1 << 40, 64 << 40} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			dir := t.TempDir()
			base, overlay := filepath.Join(dir, "base.img"), filepath.Join(dir, "overlay.qcow2")
			f, err := os.Create(base)
			require.NoError(t, err)
			_, err = f.WriteString("the base")
			require.NoError(t, err)
			// A base that is shorter than the overlay reads as zeros behind its end.
			require.NoError(t, f.Truncate(min(size, 1<<40)))
			require.NoError(t, f.Close())
			out, err := os.Create(overlay)
			require.NoError(t, err)
			defer out.Close()
			require.NoError(t, qcow2.NewOverlay(out, size, base))

			run(t, "qemu-img", "check", "-f", "qcow2", overlay)
			info, err := exec.Command("qemu-img", "info", "--output=json", overlay).CombinedOutput()
			require.NoError(t, err, "%s", info)
			assert.Contains(t, string(info), fmt.Sprintf(`"virtual-size": %d`, size))
			assert.Contains(t, string(info), `"backing-filename-format": "raw"`)
			assert.Contains(t, string(info), fmt.Sprintf(`"backing-filename": %q`, base))
			qemuIO(t, overlay, fmt.Sprintf("read -P %d 0 1", 't'), "write -P 7 0 512", "read -P 7 0 512", fmt.Sprintf("write -P 9 %d 512", size-512))
			run(t, "qemu-img", "check", "-f", "qcow2", overlay)
			content, err := exec.Command("head", "-c", "8", base).Output()
			require.NoError(t, err)
			assert.Equal(t, "the base", string(content))
		})
	}
}

func TestOverlayThatCanNotBeIsRefused(t *testing.T) {
	t.Parallel()
	out, err := os.Create(filepath.Join(t.TempDir(), "overlay"))
	require.NoError(t, err)
	defer out.Close()
	assert.ErrorContains(t, qcow2.NewOverlay(out, 0, "/base"), "size of 0 bytes")
	assert.ErrorContains(t, qcow2.NewOverlay(out, 1<<62, "/base"), "size of")
	assert.ErrorContains(t, qcow2.NewOverlay(out, 512, ""), "has 0 bytes")
	assert.ErrorContains(t, qcow2.NewOverlay(out, 512, strings.Repeat("x", 1024)), "has 1024 bytes")
}
