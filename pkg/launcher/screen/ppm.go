// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"bufio"
	"errors"
	"fmt"
	"image"
	"io"
)

// maxNumber is more than any number of a header that makes sense.
const maxNumber = 1 << 20

// decodePPM reads a picture in the form that QEMU writes: binary, of one byte for each of three colours.
func decodePPM(from io.Reader) (*image.RGBA, error) {
	r := bufio.NewReader(from)
	var magic [2]byte
	if _, err := io.ReadFull(r, magic[:]); err != nil {
		return nil, fmt.Errorf("read the header: %w", unexpected(err))
	}
	if string(magic[:]) != "P6" {
		return nil, fmt.Errorf("it begins with %q instead of P6", magic)
	}
	var header [3]int
	for i := range header {
		var err error
		if header[i], err = readNumber(r); err != nil {
			return nil, fmt.Errorf("read the header: %w", err)
		}
	}
	width, height, depth := header[0], header[1], header[2]
	if depth != 255 {
		return nil, fmt.Errorf("it has %d shades of a colour instead of 255", depth)
	}
	if err := checkSize(width, height); err != nil {
		return nil, err
	}
	return readPixels(r, width, height)
}

// readNumber reads a number, the white space and comments before it and the one character after it.
func readNumber(r *bufio.Reader) (int, error) {
	c, err := skipSpace(r)
	if err != nil {
		return 0, err
	}
	number, digits := 0, 0
	for ; c >= '0' && c <= '9'; digits++ {
		if number = number*10 + int(c-'0'); number > maxNumber {
			return 0, errors.New("a number is too large")
		}
		if c, err = r.ReadByte(); err != nil {
			return 0, unexpected(err)
		}
	}
	if digits == 0 || !isSpace(c) {
		return 0, fmt.Errorf("there is %q where a number is due", c)
	}
	return number, nil
}

// skipSpace returns the first character after white space and comments.
func skipSpace(r *bufio.Reader) (byte, error) {
	comment := false
	for {
		c, err := r.ReadByte()
		switch {
		case err != nil:
			return 0, unexpected(err)
		case comment:
			comment = c != '\n'
		case c == '#':
			comment = true
		case !isSpace(c):
			return c, nil
		}
	}
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\r' || c == '\n'
}

// readPixels grows with what comes, so that a header alone costs nothing.
func readPixels(r io.Reader, width, height int) (*image.RGBA, error) {
	row := make([]byte, width*3)
	if _, err := io.ReadFull(r, row); err != nil {
		return nil, fmt.Errorf("read the first row: %w", unexpected(err))
	}
	picture := opaque(width, height)
	for y := 0; ; {
		line := picture.Pix[y*picture.Stride:]
		for x := range width {
			copy(line[x*4:x*4+3], row[x*3:])
		}
		if y++; y == height {
			return picture, nil
		}
		if _, err := io.ReadFull(r, row); err != nil {
			return nil, fmt.Errorf("read row %d of %d: %w", y+1, height, unexpected(err))
		}
	}
}

// unexpected is what an end is in the middle of a picture.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
