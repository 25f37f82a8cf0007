// SPDX-License-Identifier: Apache-2.0

package ssh

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

const program = "/opt/Tom's tools/100%/kubectl-virt"

// clients makes an ssh and a scp that print their arguments, one a line, and end with the given code.
func clients(t *testing.T, code int) {
	t.Helper()
	dir := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\nprintf '%%s\\n' \"$@\"\nexit %d\n", code)
	for _, name := range []string{"ssh", "scp"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755))
	}
	t.Setenv("PATH", dir)
}

// call runs a verb as the plugin would and gives the client's arguments.
func call(t *testing.T, args ...string) ([]string, error) {
	t.Helper()
	kubeconfig := os.DevNull
	flags := genericclioptions.NewConfigFlags(false)
	flags.KubeConfig = &kubeconfig
	streams, _, out, _ := genericiooptions.NewTestIOStreams()
	root := &cobra.Command{Use: "kubectl-virt", SilenceErrors: true, SilenceUsage: true}
	flags.AddFlags(root.PersistentFlags())
	base := common{flags: flags, streams: streams, Port: sshPort, program: program}
	root.AddCommand(newCommand(&Options{common: base}), newCopyCommand(&CopyOptions{common: base}))
	root.SetArgs(append(args, "--namespace", "shop", "--context=it's mine; $HOME", "--as=me", "--as-group=a", "--as-group=b"))
	err := root.ExecuteContext(t.Context())
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n"), err
}

func TestClientIsCalledAsTheUserSays(t *testing.T) {
	clients(t, 0)
	tests := map[string]struct {
		args, want []string
	}{
		"shell":      {[]string{"ssh", "vm/web"}, []string{"--", "vm.web.shop"}},
		"user":       {[]string{"ssh", "debian@vmi/web/farm"}, []string{"-l", "debian", "--", "vmi.web.farm"}},
		"realm":      {[]string{"ssh", `DOM\me@realm@vm/web`}, []string{"-l", `DOM\me@realm`, "--", "vm.web.shop"}},
		"command":    {[]string{"ssh", "vm/web", "-l", "root", "-c", "ls / | wc"}, []string{"-l", "root", "--", "vm.web.shop", "ls / | wc"}},
		"key":        {[]string{"ssh", "vm/web", "-i", "/k e"}, []string{"-i", "/k e", "--", "vm.web.shop"}},
		"hosts":      {[]string{"ssh", "vm/web", "--known-hosts", "/a b%"}, []string{"-o", `UserKnownHostsFile="/a b%%"`, "--", "vm.web.shop"}},
		"options":    {[]string{"ssh", "vm/web", "-t", "-v", "-t", "-o X=y"}, []string{"-v", "-o X=y", "--", "vm.web.shop"}},
		"copy there": {[]string{"scp", "a:b", "me@vm/web:c:d"}, []string{"--", "./a:b", "me@vm.web.shop:c:d"}},
		"copy from":  {[]string{"scp", "-r", "--preserve", "vm/web/farm:/var/log", "."}, []string{"-r", "-p", "--", "vm.web.farm:/var/log", "."}},
		"odd folder": {[]string{"scp", "./a/b:c", "vm/web:"}, []string{"--", "./a/b:c", "vm.web.shop:"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := call(t, tc.args...)
			require.NoError(t, err)
			require.Greater(t, len(got), 2)
			assert.Equal(t, "-o", got[0])
			assert.True(t, strings.HasPrefix(got[1], "ProxyCommand="))
			assert.Equal(t, tc.want, got[2:])
		})
	}
}

func TestShellRunsThisPluginWhateverItsPath(t *testing.T) {
	shell, err := exec.LookPath("sh")
	require.NoError(t, err)
	clients(t, 0)
	got, err := call(t, "ssh", "vm/web", "-p", "2222")
	require.NoError(t, err)
	command := strings.ReplaceAll(strings.TrimPrefix(got[1], "ProxyCommand="), "%%", "%")

	words, err := exec.Command(shell, "-c", `printf '%s\n' `+command).Output()

	require.NoError(t, err)
	assert.Equal(t, []string{program, "--as=me", "--as-group=a", "--as-group=b", "--context=it's mine; $HOME", "port-forward", "--stdio", "vm/web/shop", "2222", ""},
		strings.Split(string(words), "\n"))
}

func TestClientsExitCodeIsOurs(t *testing.T) {
	clients(t, 7)
	_, err := call(t, "ssh", "vm/web")
	var ended *EndedError
	require.ErrorAs(t, err, &ended)
	assert.Equal(t, 7, ended.Code)
}

func TestWhatTheClientWouldMistakeIsRefused(t *testing.T) {
	clients(t, 0)
	tests := map[string]struct {
		args []string
		want string
	}{
		"user as option":   {[]string{"ssh", "-oProxyCommand=x@vm/web"}, "unknown shorthand"},
		"user by flag":     {[]string{"ssh", "vm/web", "--username=-oProxyCommand=x"}, "is no name of a user"},
		"user for a shell": {[]string{"ssh", "a`id`@vm/web"}, "is no name of a user"},
		"no user":          {[]string{"ssh", "@vm/web"}, "no user before the @"},
		"name as option":   {[]string{"ssh", "vm/-oProxyCommand=x"}, "is no name of a virtual machine"},
		"namespace":        {[]string{"ssh", "vm/web/$(id)"}, "is no name of a namespace"},
		"port":             {[]string{"ssh", "vm/web", "-p", "0"}, "--port must be"},
		"known hosts":      {[]string{"ssh", "vm/web", "--known-hosts", `a" b`}, "must not have quotes"},
		"both here":        {[]string{"scp", "a", "b"}, "must be in a guest"},
		"both there":       {[]string{"scp", "vm/a:x", "vm/b:x"}, "must be in a guest"},
		"nothing here":     {[]string{"scp", "vm/a:x", ""}, "the path here is empty"},
		"user of a copy":   {[]string{"scp", "a", "--username=-x", "vm/a:x"}, "is no name of a user"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			out, err := call(t, tc.args...)
			require.ErrorContains(t, err, tc.want)
			assert.Equal(t, []string{""}, out, "no client is run")
		})
	}
}

func TestMissingClientSaysWhatToInstall(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := call(t, "ssh", "vm/web")
	require.ErrorContains(t, err, "ssh is not installed")
	assert.ErrorContains(t, err, "openssh-client")
	assert.ErrorContains(t, err, "kubectl virt port-forward vm/web/shop :22")
}
