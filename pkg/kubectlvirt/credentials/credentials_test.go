// SPDX-License-Identifier: Apache-2.0

package credentials_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

func TestPasswordComesFromTheCommandAFileOrStandardInput(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(file, []byte(" pencil \r\n"), 0o600))
	for want, args := range map[string][]string{
		"pen":      {"-p", "pen"},
		" pencil ": {"--password-file", file},
		"typed":    {"--password-file", "-"},
	} {
		s := newServer(t, passwordsOf("passwords"), keysOf("keys", "me"))
		s.addSecret("passwords", "u1", map[string]string{"you": "theirs"})
		s.stdin = "typed\n"
		out, err := s.run(append([]string{"set-password", "web", "-u", "me"}, args...)...)
		require.NoError(t, err)
		assert.Equal(t, "secret/passwords gets the password of user me\n", out)
		assert.Equal(t, map[string][]byte{"you": []byte("theirs"), "me": []byte(want)}, s.secret("passwords").Data)
	}
}

func TestPasswordThatSomebodySetsMeanwhileStays(t *testing.T) {
	s := newServer(t, passwordsOf("passwords"))
	s.addSecret("passwords", "u1", nil)
	s.meanwhile[secretsPath+"/passwords"] = func() { s.addSecret("passwords", "u1", map[string]string{"you": "theirs"}) }
	_, err := s.run("set-password", "web", "-u", "me", "-p", "pen")
	require.NoError(t, err)
	assert.Equal(t, map[string][]byte{"you": []byte("theirs"), "me": []byte("pen")}, s.secret("passwords").Data)
}

func TestForcedPasswordNeedsNoRightToReadTheSecret(t *testing.T) {
	s := newServer(t, passwordsOf("passwords"))
	s.addSecret("passwords", "", nil)
	s.refusals["GET "+secretsPath+"/passwords"] = apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, "passwords", errors.New("no"))
	_, err := s.run("set-password", "web", "-u", "me", "-p", "pen")
	assert.ErrorContains(t, err, "kubectl auth can-i get secrets/passwords -n shop")
	_, err = s.run("set-password", "web", "-u", "me", "-p", "pen", "--force")
	require.NoError(t, err)
	assert.Equal(t, []string{"pen"}, s.values("passwords"))
}

func TestSecretThatTheMachineDoesNotOwnIsChangedByForceAlone(t *testing.T) {
	for verb, args := range map[string][]string{
		"add-ssh-key":    {"add-ssh-key", "web", "-u", "me", "--secret", "shared", "--value", key},
		"remove-ssh-key": {"remove-ssh-key", "web", "-u", "me", "--secret", "shared", "--value", otherKey},
		"set-password":   {"set-password", "web", "-u", "me", "--secret", "shared", "-p", "pen"},
	} {
		for _, owner := range []types.UID{"", "another"} {
			t.Run(verb+" "+string(owner), func(t *testing.T) {
				s := newServer(t, passwordsOf("shared"), passwordsOf("own"), keysOf("shared", "me"), keysOf("own", "me"))
				s.addSecret("shared", owner, map[string]string{"a": otherKey})
				_, err := s.run(args...)
				assert.ErrorContains(t, err, `virtual machine "web" does not own Secret "shared"`)
				assert.ErrorContains(t, err, "--force")
				assert.Empty(t, s.writes())
				_, err = s.run(append(args, "--force")...)
				require.NoError(t, err)
				assert.Equal(t, []string{http.MethodPatch + " " + secretsPath + "/shared"}, s.writes())
			})
		}
	}
}

func TestRefusalsChangeNothingAndNameTheRemedy(t *testing.T) {
	twoKeys := []kubevirtv1.AccessCredential{keysOf("one", "me"), keysOf("two", "me"), keysOf("theirs", "you")}
	twoPasswords := []kubevirtv1.AccessCredential{passwordsOf("one"), passwordsOf("two")}
	private := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(private, []byte("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"), 0o600))
	tests := map[string]struct {
		has  []kubevirtv1.AccessCredential
		args string
		want []string
	}{
		"no user":            {nil, "add-ssh-key web -f key.pub", []string{"--user is needed", "kubectl virt credentials add-ssh-key --help"}},
		"no key to add":      {nil, "add-ssh-key web -u me", []string{"--file or --value is needed"}},
		"no key to remove":   {nil, "remove-ssh-key web -u me", []string{"--file or --value is needed"}},
		"no password":        {nil, "set-password web -u me", []string{"--password or --password-file is needed"}},
		"no file":            {nil, "add-ssh-key web -u me -f /nowhere", []string{"--file: open /nowhere"}},
		"empty password":     {nil, "set-password web -u me --password-file /dev/null", []string{"--password-file: it is empty"}},
		"long password":      {nil, "set-password web -u me --password-file " + private, []string{"more than one line"}},
		"endless password":   {nil, "set-password web -u me --password-file /dev/zero", []string{"larger than a Secret can be"}},
		"empty keys":         {nil, "add-ssh-key web -u me -f /dev/null", []string{"--file: there is no public key"}},
		"a private key":      {nil, "add-ssh-key web -u me -f " + private, []string{"this is a private key", ".pub"}},
		"a word":             {nil, "remove-ssh-key web -u me --value ssh", []string{`--value: "ssh" is no public key`}},
		"user of a domain":   {nil, `set-password web -u DOMAIN\me -p pen`, []string{"--user: no Secret can hold"}},
		"both ways":          {nil, "set-password web -u me -p pen --password-file f", []string{"password password-file"}},
		"both Secrets":       {nil, "add-ssh-key web -u me -f f --create-secret --update-secret", []string{"create-secret update-secret"}},
		"no machine":         {nil, "set-password gone -u me -p pen", []string{`no virtual machine "gone"`, "kubectl get vms -n shop"}},
		"two machines":       {nil, "set-password web gone -u me -p pen", []string{"accepts 1 arg"}},
		"none to update":     {nil, "add-ssh-key web -u me --update-secret -f -", []string{"no Secret with keys", "--create-secret"}},
		"which to add to":    {twoKeys, "add-ssh-key web -u me -f -", []string{"--secret one of one, two"}},
		"other to add to":    {twoKeys, "add-ssh-key web -u me -f - --secret theirs", []string{`not "theirs": one, two`}},
		"other to take from": {twoKeys, "remove-ssh-key web -u me -f - --secret theirs", []string{`not "theirs": one, two`}},
		"Secret is gone":     {twoKeys, "add-ssh-key web -u me -f - --secret one", []string{"not found", "kubectl create secret generic one -n shop"}},
		"no passwords": {nil, "set-password web -u me -p pen", []string{"kubectl create secret generic web-passwords -n shop",
			`kubectl patch vm web --type=merge -p '{"spec":{"template":{"spec":{"accessCredentials":[{"userPassword"`}},
		"no passwords beside keys": {twoKeys, "set-password web -u me -p pen", []string{"--type=json", `accessCredentials/-","value":{"userPassword"`}},
		"which passwords":          {twoPasswords, "set-password web -u me -p pen", []string{"--secret one of one, two"}},
		"other passwords":          {twoPasswords, "set-password web -u me -p pen --secret three", []string{`not "three": one, two`}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, tc.has...)
			s.stdin = key
			_, err := s.run(strings.Fields(tc.args)...)
			for _, want := range tc.want {
				assert.ErrorContains(t, err, want)
			}
			assert.Empty(t, s.writes())
		})
	}
}

func TestEachVerbShowsHowItIsUsedAndCompletesMachines(t *testing.T) {
	for _, verb := range []string{"add-ssh-key", "remove-ssh-key", "set-password"} {
		s := newServer(t)
		s.objects[machinesPath] = []byte(`{"kind":"VirtualMachineList","apiVersion":"kubevirt.io/v1","items":[{"metadata":{"name":"web"}}]}`)
		help, err := s.run(verb, "--help")
		require.NoError(t, err)
		assert.Contains(t, help, "kubectl virt credentials "+verb+" web --user me")
		names, err := s.complete(verb)
		require.NoError(t, err)
		assert.Equal(t, "web\n:4\n", names)
	}
}
