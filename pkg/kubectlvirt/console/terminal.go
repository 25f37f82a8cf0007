// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/term"
)

// tidy is written to a terminal after a session: a guest that ended in the middle of something leaves
// colours on, the cursor hidden, or pasted text bracketed.
const tidy = "\x1b[0m\x1b[?25h\x1b[?2004l\r\n"

// terminal is the user's, in raw mode from openTerminal to restore. For a script it is nothing.
type terminal struct {
	interactive bool
	restore     func()
}

// openTerminal puts the terminal behind in into raw mode, if it is one: every key is the guest's.
func openTerminal(in io.Reader, out io.Writer) (*terminal, error) {
	file, ok := in.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return &terminal{restore: func() {}}, nil
	}
	before, err := term.MakeRaw(int(file.Fd()))
	if err != nil {
		return nil, fmt.Errorf("put the terminal into raw mode: %w", err)
	}
	restore := sync.OnceFunc(func() {
		if screen, ok := out.(*os.File); ok && term.IsTerminal(int(screen.Fd())) {
			_, _ = io.WriteString(screen, tidy)
		}
		_ = term.Restore(int(file.Fd()), before)
	})
	return &terminal{interactive: true, restore: restore}, nil
}
