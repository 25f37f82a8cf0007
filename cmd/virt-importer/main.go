// SPDX-License-Identifier: Apache-2.0

// Command virt-importer fills one volume from an image and exits. It is
// started by whoever manages volumes; see package importer for the protocol.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	stdlog "log"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/importer"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/sandbox"
)

const usage = `virt-importer fills one volume from an image and exits.

  stdin   one line of JSON that says what to do, then nothing: its end stops the import
  fd 3    the volume, a regular file open for reading and writing
  stdout  lines of JSON: {"progress":…} about twice a second, then {"result":…} or {"error":…}
  stderr  logs
  exit    0 if the volume is filled, 1 if not, 2 if it was started wrongly

The spec:
  sizeBytes           requested size of the volume
  http.url            the image: raw or qcow2, plain or compressed with gzip, xz or zstd
  http.username, http.password, http.extraHeaders, http.caCert, http.insecureSkipVerify
  http.checksum       md5, sha1, sha256 or sha512 of the file as it is transferred, "algorithm:hex"
  container.image     instead of http: the disk in a container image, HOST/NAME:TAG, HOST/NAME@DIGEST,
                      oci-layout:PATH or oci-archive:PATH; one on disk is open as fd 4
  container.path      of the disk in the image; the only file in /disk where it is absent
  container.username, container.password, container.token
  resolve             true: only tell the digest of the container image
  fit                 true: the volume gets the size of the disk, sizeBytes at the most
  copy                true instead of http: the disk that is open as fd 4, as it is
  blank               true instead of http: the volume reads as zeros
  preallocate         reserve space for all of the volume
  idleTimeoutSeconds  give up when nothing arrives for so long
  allowCIDRs          ranges of loopback, link-local and this machine's addresses that may be reached all the same

Example, which waits for Ctrl-D or the outcome:
  (echo '{"sizeBytes":10737418240,"http":{"url":"http://images.example/disk.qcow2"}}'; cat) |
    virt-importer 3<>disk.img
`

// memoryGoal is what the garbage collector aims at; the limits on what an
// image may ask for keep the live memory below it.
const memoryGoal = 512 << 20

func main() { os.Exit(run()) }

func run() int {
	flags := flag.NewFlagSet("virt-importer", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	switch err := flags.Parse(os.Args[1:]); {
	case err == flag.ErrHelp:
		fmt.Print(usage)
		return 0
	case err != nil || flags.NArg() > 0:
		fmt.Fprintf(os.Stderr, "virt-importer takes no arguments but --help\n\n%s", usage)
		return 2
	}
	// Started by descriptor, it would be listed under that. A name is worth no failure.
	_ = os.WriteFile("/proc/self/comm", []byte("virt-importer"), 0)
	// Libraries write what servers send to the standard logger.
	stdlog.SetOutput(io.Discard)
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if err := confine(); err != nil {
		log.Error("cannot limit itself", "err", err)
		return 2
	}
	target := os.NewFile(importer.TargetFD, "volume")
	if !isVolume(target) {
		fmt.Fprintf(os.Stderr, "file descriptor %d is not open for reading and writing: it has to be the volume\n\n%s", importer.TargetFD, usage)
		return 2
	}
	if err := sandbox.Enter(imageDirs()...); err != nil {
		log.Error("cannot enter its sandbox", "err", err)
		return 2
	}
	// A broken pipe is told by the write; the volume has to be emptied then.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := importer.Serve(ctx, os.Stdin, os.Stdout, target, log); err != nil {
		return 1
	}
	return 0
}

// isVolume reports whether file can be a volume. It is not enough that the
// descriptor is open: the runtime may have taken the number for a file of its own.
func isVolume(file *os.File) bool {
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	flags, err := unix.FcntlInt(file.Fd(), unix.F_GETFL, 0)
	return err == nil && flags&unix.O_ACCMODE == unix.O_RDWR
}

// imageDirs has the container image that is on disk where that is a directory, in which files are yet to be opened.
func imageDirs() []string {
	var info unix.Stat_t
	if err := unix.Fstat(importer.ImageFD, &info); err != nil || info.Mode&unix.S_IFMT != unix.S_IFDIR {
		return nil
	}
	return []string{fmt.Sprintf("/proc/self/fd/%d", importer.ImageFD)}
}

// confine gives up what decoding an image does not need: core dumps, which
// would hold credentials, and more than a few descriptors.
func confine() error {
	debug.SetMemoryLimit(memoryGoal)
	for resource, limit := range map[int]uint64{unix.RLIMIT_CORE: 0, unix.RLIMIT_NOFILE: 128} {
		if err := unix.Setrlimit(resource, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
			return fmt.Errorf("set resource limit %d: %w", resource, err)
		}
	}
	return nil
}
