// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"bytes"
	"image/png"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/utils/ptr"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

func TestScreenshotIsAPicture(t *testing.T) {
	b := newBench(t)
	client, _ := b.serve(t)
	b.start(t)
	b.hypervisor.picture = "P6 2 1 255\n123456"
	var taken api.Screenshot
	require.NoError(t, client.Call(t.Context(), testTarget(), api.ActionScreenshot, api.ScreenshotRequest{}, &taken))
	picture, err := png.Decode(bytes.NewReader(taken.PNG))
	require.NoError(t, err)
	assert.Equal(t, 2, picture.Bounds().Dx())
}

func TestScreenshotIsRefusedWithAReason(t *testing.T) {
	b := newBench(t)
	client, _ := b.serve(t)
	shot := func(request any) string {
		return api.ReasonFor(client.Call(t.Context(), testTarget(), api.ActionScreenshot, request, &api.Screenshot{}))
	}
	assert.Equal(t, api.ErrorNotFound, shot(api.ScreenshotRequest{}))
	b.start(t)
	assert.Equal(t, api.ErrorInternal, shot(api.ScreenshotRequest{}), "what the hypervisor gave is no picture")
	assert.Equal(t, api.ErrorInvalid, shot(map[string]bool{"colour": true}))
	ours, gone := net.Pipe()
	require.NoError(t, gone.Close())
	b.hypervisor.screen = ours
	assert.Equal(t, api.ErrorInternal, shot(api.ScreenshotRequest{MoveCursor: true}), "the screen does not answer")
	for range maxScreenshots {
		b.screenshots <- struct{}{}
	}
	assert.Equal(t, api.ErrorLimit, shot(api.ScreenshotRequest{}))
}

func TestScreenshotNeedsAScreen(t *testing.T) {
	b := newBench(t)
	request := b.request(t)
	request.Instance.Spec.Domain.Devices.AutoattachGraphicsDevice = ptr.To(false)
	_, err := b.Start(t.Context(), request)
	require.NoError(t, err)
	_, err = b.Screenshot(testTarget(), api.ScreenshotRequest{})
	assert.Equal(t, api.ErrorInvalid, api.ReasonFor(err))
	assert.ErrorContains(t, err, "no graphics device")
}
