// SPDX-License-Identifier: Apache-2.0

package machines

import (
	"fmt"
	"strconv"

	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// DryRun is a flag that takes kubectl's values as well as a boolean's. A dry run on the client would check
// nothing that matters, so there is none.
type DryRun bool

// AddFlag adds the flag --dry-run.
func (d *DryRun) AddFlag(flags *pflag.FlagSet) {
	flag := flags.VarPF(d, "dry-run", "", "Have the server check the request and change nothing.")
	flag.NoOptDefVal = "server"
}

// String implements pflag.Value.
func (d *DryRun) String() string {
	if *d {
		return "server"
	}
	return "none"
}

// Type implements pflag.Value.
func (d *DryRun) Type() string { return "none|server" }

// Set implements pflag.Value.
func (d *DryRun) Set(value string) error {
	switch value {
	case "server":
		*d = true
	case "none":
		*d = false
	default:
		on, err := strconv.ParseBool(value)
		if err != nil {
			return fmt.Errorf("must be none or server")
		}
		*d = DryRun(on)
	}
	return nil
}

// Options is the value for the body of an action.
func (d DryRun) Options() []string {
	if d {
		return []string{metav1.DryRunAll}
	}
	return nil
}

// Suffix is what a report of the action ends with.
func (d DryRun) Suffix() string {
	if d {
		return " (server dry run)"
	}
	return ""
}
