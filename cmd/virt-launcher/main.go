// SPDX-License-Identifier: Apache-2.0

// Command virt-launcher runs the virtual machines of a node through libvirt, on behalf of the node's agent.
// It may be killed at any time: its guests go on, and the next launcher finds them. See package launcher.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/virt-apiserver/virt-apiserver/pkg/footprint"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/libvirt"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/statedir"
)

// fileMode lets QEMU, which runs as another user, through directories that are meant for it.
const fileMode = 0o022

func main() { os.Exit(run()) }

func run() int {
	options, err := parse(os.Args[1:], os.Stdout)
	switch {
	case errors.Is(err, flag.ErrHelp), errors.Is(err, errVersion):
		return 0
	case err != nil:
		fmt.Fprintf(os.Stderr, "virt-launcher: %v\n\nSee virt-launcher --help.\n", err)
		return 2
	}
	level := &slog.LevelVar{}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := serve(ctx, options, log, level); err != nil {
		log.Error("virt-launcher ends", "error", err)
		return 1
	}
	log.Info("virt-launcher ends; its guests go on")
	return 0
}

// serve runs until ctx ends.
func serve(ctx context.Context, options *options, log *slog.Logger, level *slog.LevelVar) error {
	unix.Umask(fileMode)
	footprint.Frugal()
	state, err := statedir.Open(options.stateDir)
	if err != nil {
		return err
	}
	defer state.Close()
	if err := libvirt.RunEvents(log); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	conn := libvirt.New(libvirt.Options{
		URI:     options.libvirtURI,
		Owner:   options.launcher.InstanceID,
		Recover: libvirt.SystemRecover(options.libvirtURI),
		Log:     log,
	})
	options.launcher.Log = log
	options.launcher.SeparateUsers = libvirt.IsSystem(options.libvirtURI)
	manager, err := launcher.New(ctx, options.launcher, conn, conn, state)
	if err != nil {
		return err
	}
	var parts sync.WaitGroup
	defer parts.Wait()
	defer cancel()
	parts.Go(func() { conn.Run(ctx, manager) })
	parts.Go(func() { manager.Run(ctx) })
	parts.Go(func() {
		// Libvirt's client comes with many libraries, of which little is used.
		if err := footprint.Run(ctx, func(string) bool { return true }); err != nil {
			log.Warn("can't give memory back", "error", err)
		}
	})
	log.InfoContext(ctx, "virt-launcher begins", "version", options.launcher.Version, "socket", options.socket, "instance", options.launcher.InstanceID)
	return launcher.NewServer(manager, log, level).Serve(ctx, options.socket)
}
