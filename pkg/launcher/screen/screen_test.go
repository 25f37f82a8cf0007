// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const ppm = "image/x-portable-pixmap"

func TestPNGHasThePixelsOfThePPM(t *testing.T) {
	encoded, err := PNG(ppm, strings.NewReader("P6\n# made by QEMU\n2 1\n255\n\x01\x02\x03\xff\x00\x80"))
	require.NoError(t, err)
	picture, err := png.Decode(bytes.NewReader(encoded))
	require.NoError(t, err)
	assert.Equal(t, image.Rect(0, 0, 2, 1), picture.Bounds())
	for x, want := range []color.RGBA{{1, 2, 3, 255}, {255, 0, 128, 255}} {
		assert.Equal(t, want, color.RGBAModel.Convert(picture.At(x, 0)))
	}
}

func TestPNGIsPassedOn(t *testing.T) {
	var original bytes.Buffer
	require.NoError(t, png.Encode(&original, opaque(3, 2)))
	passed, err := PNG("image/png", bytes.NewReader(original.Bytes()))
	require.NoError(t, err)
	assert.Equal(t, original.Bytes(), passed)
}

func TestWhatIsNoPictureIsRefused(t *testing.T) {
	for name, test := range map[string]struct{ mime, data, text string }{
		"nothing":               {ppm, "", "unexpected EOF"},
		"another form":          {ppm, "P5\n1 1\n255\n\x00", `"P5"`},
		"no number":             {ppm, "P6\nx 1\n255\n", "number is due"},
		"a number that runs on": {ppm, "P6\n1x 1\n255\n", "number is due"},
		"a huge number":         {ppm, "P6\n99999999999999999999 1\n255\n", "too large"},
		"more than 8 bits":      {ppm, "P6\n1 1\n65535\n\x00\x00\x00\x00\x00\x00", "65535 shades"},
		"no pixels":             {ppm, "P6\n0 1\n255\n", "0 by 1"},
		"too many pixels":       {ppm, "P6\n65536 65536\n255\n", "too large"},
		"pixels missing":        {ppm, "P6\n2 2\n255\n\x00\x00\x00\x00\x00\x00\x00", "row 2 of 2"},
		"an endless comment":    {ppm, "P6\n#", "unexpected EOF"},
		"another type":          {"image/gif", "GIF89a", `"image/gif"`},
		"no PNG":                {"image/png", "P6", "decode"},
		"an endless PNG":        {"image/png", strings.Repeat("x", maxBytes+1), "too large"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := PNG(test.mime, strings.NewReader(test.data))
			require.ErrorContains(t, err, test.text)
		})
	}
}

func TestPictureThatDoesNotCompressIsRefused(t *testing.T) {
	noise := opaque(64, 64)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise.Pix)
	_, err := encode(noise, 4<<10)
	require.ErrorIs(t, err, errTooLarge)
	_, err = encode(noise, 64<<10)
	require.NoError(t, err)
}

func FuzzDecodePPM(f *testing.F) {
	f.Add([]byte("P6\n2 1\n255\n\x01\x02\x03\xff\x00\x80"))
	f.Add([]byte("P6 4096 4096 255\n"))
	f.Add([]byte("P6#\n1#\n 1\t255 abc"))
	f.Fuzz(func(t *testing.T, data []byte) {
		picture, err := decodePPM(bytes.NewReader(data))
		if err != nil {
			return
		}
		size := picture.Bounds().Size()
		if size.X*size.Y*3 > len(data) {
			t.Fatalf("%v pixels came of %d bytes", size, len(data))
		}
	})
}

// fakeScreen speaks RFB as QEMU does, up to what is asked, and tells what it heard.
func fakeScreen(conn net.Conn, security string, name string) (heard []byte, err error) {
	if _, err := io.WriteString(conn, version); err != nil {
		return nil, err
	}
	read := func(n int) {
		if err == nil {
			part := make([]byte, n)
			_, err = io.ReadFull(conn, part)
			heard = append(heard, part...)
		}
	}
	write := func(text string) {
		if err == nil {
			_, err = io.WriteString(conn, text)
		}
	}
	read(len(version))
	write(security)
	read(1)
	write("\x00\x00\x00\x00")
	read(1)
	write(strings.Repeat("\x00", 20) + fmt.Sprintf("%c%c%c%c", 0, 0, len(name)>>8, len(name)&0xff) + name)
	read(6 + 6 + 10)
	write("\x00")
	return heard, err
}

func TestWakeMovesThePointer(t *testing.T) {
	ours, screens := net.Pipe()
	defer ours.Close()
	heard := make(chan []byte, 1)
	go func() {
		defer screens.Close()
		all, err := fakeScreen(screens, "\x02\x02\x01", "QEMU (web)")
		assert.NoError(t, err)
		heard <- all
	}()
	require.NoError(t, Wake(ours))
	assert.Equal(t, version+"\x01\x01"+"\x05\x00\x00\x01\x00\x01"+"\x05\x00\x00\x00\x00\x00"+"\x03\x00\x00\x00\x00\x00\x00\x01\x00\x01", string(<-heard))
}

func TestWakeGivesUpOnAStrangeScreen(t *testing.T) {
	for name, test := range map[string]struct{ says, text string }{
		"another protocol": {"SSH-2.0-OpenSSH", "instead of"},
		"a password":       {version + "\x01\x02", "password"},
		"nobody is let in": {version + "\x01\x01\x00\x00\x00\x01", "lets nobody in"},
		"an endless name":  {version + "\x01\x01\x00\x00\x00\x00" + strings.Repeat("\x00", 20) + "\xff\xff\xff\xff", "name has"},
		"silence":          {"", "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			ours, screens := net.Pipe()
			defer ours.Close()
			go func() { _, _ = io.Copy(io.Discard, screens) }()
			go func() {
				_, _ = io.WriteString(screens, test.says)
				_ = screens.Close()
			}()
			require.ErrorContains(t, Wake(ours), test.text)
		})
	}
}
