// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

func main() {
	guest := system{root: "/", run: run}
	if err := setUp("/sys/class/block", guest); err != nil {
		fmt.Fprintln(os.Stderr, "seed:", err)
		os.Exit(1)
	}
}

func setUp(devices string, guest system) error {
	found, err := find(devices)
	if errors.Is(err, errNoSeed) {
		return nil
	}
	if err != nil {
		return err
	}
	config, unknown, err := parse(found.userData)
	if err != nil {
		return err
	}
	if len(unknown) > 0 {
		fmt.Fprintf(os.Stderr, "seed: not supported here, and left out: %s\n", strings.Join(unknown, ", "))
	}
	return guest.apply(found, config)
}

// run gives a command its input and waits for it. What it says is told if it fails.
func run(stdin string, command ...string) error {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin = strings.NewReader(stdin)
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("run %s: %w: %s", command[0], err, bytes.TrimSpace(output))
	}
	return nil
}
