// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"fmt"
	"os"
	"path/filepath"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/landlock-lsm/go-landlock/landlock"
)

// Enter begins the sandbox, in which the files below dirs may be read too. A kernel without Landlock, or with an old
// one, does without what it lacks. Anything else that fails is an error.
func Enter(dirs ...string) error {
	if err := restrictFiles(dirs); err != nil {
		return fmt.Errorf("restrict what can be opened (Landlock): %w", err)
	}
	if err := seccomp.LoadFilter(filter()); err != nil {
		return fmt.Errorf("restrict system calls (seccomp): %w", err)
	}
	return nil
}

// readable are directories with settings for the resolver and certificates of authorities. What they link to is there.
func readable() []string {
	return []string{
		"/etc", "/usr/share", "/usr/local/share", "/var/lib/ca-certificates",
		"/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager",
	}
}

func restrictFiles(more []string) error {
	rules := []landlock.Rule{landlock.RODirs(readable()...).IgnoreIfMissing(), landlock.RODirs(more...)}
	if file := os.Getenv("SSL_CERT_FILE"); file != "" {
		rules = append(rules, landlock.ROFiles(file).IgnoreIfMissing())
	}
	if dirs := os.Getenv("SSL_CERT_DIR"); dirs != "" {
		rules = append(rules, landlock.RODirs(filepath.SplitList(dirs)...).IgnoreIfMissing())
	}
	return landlock.V5.BestEffort().RestrictPaths(rules...)
}
