// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
)

const (
	// maxPixels of a picture; in memory it is 4 bytes for each.
	maxPixels = 16 << 20
	// maxBytes of an encoded picture.
	maxBytes = 20 << 20
)

// errTooLarge is a picture beyond the limits.
var errTooLarge = errors.New("the screen is too large for a picture")

// PNG returns the picture in r, which is of the type mime, as PNG.
func PNG(mime string, r io.Reader) ([]byte, error) {
	switch mime {
	case "image/png":
		return checkPNG(r)
	case "image/x-portable-pixmap":
		picture, err := decodePPM(r)
		if err != nil {
			return nil, fmt.Errorf("decode a picture of the screen: %w", err)
		}
		return encode(picture, maxBytes)
	default:
		return nil, fmt.Errorf("the hypervisor gave a picture of the type %q, which is unknown", mime)
	}
}

// encode returns the picture as PNG of at most max bytes.
func encode(picture image.Image, max int) ([]byte, error) {
	encoded := limited{max: max}
	if err := png.Encode(&encoded, picture); err != nil {
		return nil, fmt.Errorf("encode a picture of the screen: %w", err)
	}
	return encoded.Bytes(), nil
}

// checkPNG passes on what is PNG already.
func checkPNG(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read a picture of the screen: %w", err)
	}
	if len(data) > maxBytes {
		return nil, errTooLarge
	}
	config, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("decode a picture of the screen: %w", err)
	}
	return data, checkSize(config.Width, config.Height)
}

func checkSize(width, height int) error {
	if width < 1 || height < 1 {
		return fmt.Errorf("the picture is of %d by %d pixels", width, height)
	}
	if width > maxPixels || height > maxPixels/width {
		return errTooLarge
	}
	return nil
}

// limited is a buffer of at most max bytes.
type limited struct {
	bytes.Buffer
	max int
}

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > l.max {
		return 0, errTooLarge
	}
	return l.Buffer.Write(p)
}

// opaque fills in what PPM has no place for.
func opaque(width, height int) *image.RGBA {
	picture := image.NewRGBA(image.Rect(0, 0, width, height))
	for i := 3; i < len(picture.Pix); i += 4 {
		picture.Pix[i] = 0xff
	}
	return picture
}
