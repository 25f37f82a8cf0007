// SPDX-License-Identifier: Apache-2.0

package supervisor

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// maxLog is the size at which the log is moved aside; one older log is kept.
const maxLog = 8 << 20

// openLog opens the log for appending. It follows no symbolic link.
func openLog(path string) (*os.File, error) {
	capLog(path)
	return os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY|unix.O_NOFOLLOW, 0o600)
}

// capLog keeps the log below its cap. The launcher has it open, and appends, so it is emptied in place.
func capLog(path string) {
	file, err := os.OpenFile(path, os.O_RDWR|unix.O_NOFOLLOW, 0)
	if err != nil {
		return
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || info.Size() < maxLog {
		return
	}
	if older, err := os.OpenFile(path+".old", os.O_CREATE|os.O_TRUNC|os.O_WRONLY|unix.O_NOFOLLOW, 0o600); err == nil {
		_, _ = io.Copy(older, io.LimitReader(file, maxLog))
		_ = older.Close()
	}
	_ = file.Truncate(0)
}

// lastWords is the last line of the log, for people: it mostly says why the launcher ended.
func lastWords(path string) string {
	const enough = 2048
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return "it left no log"
	}
	if err != nil {
		return err.Error()
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Size() > enough {
		_, _ = file.Seek(-enough, io.SeekEnd)
	}
	tail, _ := io.ReadAll(io.LimitReader(file, enough))
	tail = bytes.TrimSpace(tail)
	if len(tail) == 0 {
		return "it left no word, see " + path
	}
	line := tail[bytes.LastIndexByte(tail, '\n')+1:]
	return strings.ToValidUTF8(string(line), "?")
}
