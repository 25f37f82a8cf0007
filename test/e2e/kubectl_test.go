// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// client is a command of kubectl, or of its plugin, as a user of the server runs it.
func (s *server) client(ctx context.Context, program string, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, program, args...)
	// Discovery is cached by server; another may have had this port.
	command.Env = append(os.Environ(), "KUBECONFIG="+s.kubeconfig(), "KUBECACHEDIR="+filepath.Join(s.dir, "kubectl-cache"))
	return command
}

// kubectl runs a command that must succeed and gives what it printed.
func (s *server) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	output, message, err := s.tryKubectl(t, "", args...)
	require.NoError(t, err, "kubectl %s\n%s%s", strings.Join(args, " "), output, message)
	return output
}

// tryKubectl gives what was printed to standard output and standard error.
func (s *server) tryKubectl(t *testing.T, stdin string, args ...string) (output, message string, err error) {
	t.Helper()
	return runClient(s.client(t.Context(), suite.kubectl, args...), stdin)
}

func runClient(command *exec.Cmd, stdin string) (output, message string, err error) {
	var out, errOut bytes.Buffer
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader(stdin), &out, &errOut
	err = command.Run()
	return out.String(), errOut.String(), err
}
