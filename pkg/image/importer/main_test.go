// SPDX-License-Identifier: Apache-2.0

package importer_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/importer"
)

// roleEnv makes this program play an importer in place of running tests.
const roleEnv = "TEST_IMPORTER_ROLE"

func TestMain(m *testing.M) {
	role := os.Getenv(roleEnv)
	if role == "" {
		os.Exit(m.Run())
	}
	os.Exit(play(role))
}

func play(role string) int {
	switch role {
	case "good":
		log := slog.New(slog.NewTextHandler(os.Stderr, nil))
		if importer.Serve(context.Background(), os.Stdin, os.Stdout, os.NewFile(importer.TargetFD, "volume"), log) != nil {
			return 1
		}
	case "environment":
		fmt.Fprintln(os.Stderr, strings.Join(os.Environ(), " "))
	case "liar":
		fmt.Println(`{"result":{"virtualSizeBytes":1,"transferredBytes":1,"writtenBytes":1}}`)
		return 1
	case "babbler":
		fmt.Println("not JSON")
		time.Sleep(time.Minute)
	case "endless line":
		line := strings.Repeat("x", 1<<16)
		for {
			if _, err := fmt.Print(line); err != nil {
				return 1
			}
		}
	case "killed":
		fmt.Fprintln(os.Stderr, "last words")
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "deaf":
		fmt.Println(`{"progress":{"transferredBytes":1,"totalBytes":0,"writtenBytes":0}}`)
		time.Sleep(time.Minute)
	}
	return 0
}
