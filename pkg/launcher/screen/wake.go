// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

const (
	// wakeTime bounds the whole exchange with the screen.
	wakeTime = 5 * time.Second
	// maxName of a screen, in bytes.
	maxName = 4 << 10
)

// The few messages of RFB 3.8 (RFC 6143) that moving the pointer takes.
const (
	version      = "RFB 003.008\n"
	securityNone = 1
	// shared leaves other sessions of the screen alone.
	shared        = 1
	updateRequest = 3
	pointerEvent  = 5
)

// Wake moves the pointer of the screen that conn speaks RFB to, and returns when that is done. It leaves the
// other sessions of the screen alone, and conn to the caller to close.
func Wake(conn net.Conn) error {
	if err := conn.SetDeadline(time.Now().Add(wakeTime)); err != nil {
		return fmt.Errorf("move the pointer: %w", err)
	}
	for _, step := range []func(io.ReadWriter) error{agreeOnVersion, chooseSecurity, begin, movePointer} {
		if err := step(conn); err != nil {
			return fmt.Errorf("move the pointer: %w", err)
		}
	}
	return nil
}

func agreeOnVersion(conn io.ReadWriter) error {
	offered := make([]byte, len(version))
	if _, err := io.ReadFull(conn, offered); err != nil {
		return err
	}
	if string(offered) != version {
		return fmt.Errorf("the screen speaks %q instead of %q", offered, version)
	}
	_, err := io.WriteString(conn, version)
	return err
}

func chooseSecurity(conn io.ReadWriter) error {
	var count [1]byte
	if _, err := io.ReadFull(conn, count[:]); err != nil {
		return err
	}
	kinds := make([]byte, count[0])
	if _, err := io.ReadFull(conn, kinds); err != nil {
		return err
	}
	if !bytes.Contains(kinds, []byte{securityNone}) {
		return errors.New("the screen wants a password")
	}
	if _, err := conn.Write([]byte{securityNone}); err != nil {
		return err
	}
	var result [4]byte
	if _, err := io.ReadFull(conn, result[:]); err != nil {
		return err
	}
	if result != [4]byte{} {
		return errors.New("the screen lets nobody in")
	}
	return nil
}

// begin skips what the screen tells of itself: size, format of pixels, name.
func begin(conn io.ReadWriter) error {
	if _, err := conn.Write([]byte{shared}); err != nil {
		return err
	}
	var screen [2 + 2 + 16 + 4]byte
	if _, err := io.ReadFull(conn, screen[:]); err != nil {
		return err
	}
	size := binary.BigEndian.Uint32(screen[20:])
	if size > maxName {
		return fmt.Errorf("the screen's name has %d bytes", size)
	}
	_, err := io.CopyN(io.Discard, conn, int64(size))
	return err
}

// movePointer moves it there and back, for it may be there already, then asks for a pixel: that one comes
// says that the movement was seen.
func movePointer(conn io.ReadWriter) error {
	messages := []byte{
		pointerEvent, 0, 0, 1, 0, 1,
		pointerEvent, 0, 0, 0, 0, 0,
		updateRequest, 0, 0, 0, 0, 0, 0, 1, 0, 1,
	}
	if _, err := conn.Write(messages); err != nil {
		return err
	}
	_, err := io.ReadFull(conn, make([]byte, 1))
	return err
}
