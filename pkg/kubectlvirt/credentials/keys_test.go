// SPDX-License-Identifier: Apache-2.0

package credentials_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

func TestMachineWithoutKeysGetsASecretOfItsOwn(t *testing.T) {
	for name, has := range map[string][]kubevirtv1.AccessCredential{
		"no credentials":           nil,
		"credentials of another":   {keysOf("theirs", "you"), passwordsOf("passwords")},
		"keys not set by an agent": {seeded("seed")},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, has...)
			out, err := s.run("add-ssh-key", "web", "-u", "me", "--value", key)
			require.NoError(t, err)
			assert.Equal(t, "secret/web-ssh-key-x1 created with the key of user me\nvirtualmachine.kubevirt.io/web names secret web-ssh-key-x1\n", out)
			assert.Equal(t, append(has, keysOf("web-ssh-key-x1", "me")), s.credentials())
			secret := s.secret("web-ssh-key-x1")
			assert.Equal(t, []string{key}, s.values(secret.Name))
			assert.Equal(t, []metav1.OwnerReference{{
				APIVersion: "kubevirt.io/v1", Kind: "VirtualMachine", Name: "web", UID: "u1", Controller: ptr.To(true), BlockOwnerDeletion: ptr.To(true),
			}}, secret.OwnerReferences)
		})
	}
}

func TestSecretIsMadeWhereThereIsOneIfAskedTo(t *testing.T) {
	s := newServer(t, keysOf("keys", "me"))
	_, err := s.run("add-ssh-key", "web", "-u", "me", "--value", key, "--create-secret", "--secret", "more")
	require.NoError(t, err)
	assert.Equal(t, []kubevirtv1.AccessCredential{keysOf("keys", "me"), keysOf("more", "me")}, s.credentials())
}

func TestMachineThatRunsGetsANewSecretOnlyByForce(t *testing.T) {
	s := newServer(t)
	s.put(instancesPath+"/web", &kubevirtv1.VirtualMachineInstance{})
	_, err := s.run("add-ssh-key", "web", "-u", "me", "--value", key)
	assert.ErrorContains(t, err, `virtual machine "web" is running`)
	assert.ErrorContains(t, err, "kubectl virt stop web -n shop")
	assert.Empty(t, s.writes())

	out, err := s.run("add-ssh-key", "web", "-u", "me", "--value", key, "--force")
	require.NoError(t, err)
	assert.Len(t, s.credentials(), 1)
	assert.Contains(t, out, "kubectl virt restart web -n shop")
}

func TestCredentialThatSomebodyAddsMeanwhileStays(t *testing.T) {
	s := newServer(t)
	s.meanwhile[machinesPath+"/web"] = func() {
		s.meanwhile[machinesPath+"/web"] = func() {
			vm := s.machine()
			vm.Spec.Template.Spec.AccessCredentials = []kubevirtv1.AccessCredential{passwordsOf("passwords")}
			s.put(machinesPath+"/web", vm)
		}
	}
	_, err := s.run("add-ssh-key", "web", "-u", "me", "--value", key)
	require.NoError(t, err)
	assert.Equal(t, []kubevirtv1.AccessCredential{passwordsOf("passwords"), keysOf("web-ssh-key-x1", "me")}, s.credentials())
}

func TestRefusedMachineLeavesNoSecretBehind(t *testing.T) {
	s := newServer(t)
	s.refusals["PATCH "+machinesPath+"/web"] = apierrors.NewForbidden(schema.GroupResource{Resource: "virtualmachines"}, "web", errors.New("no"))
	_, err := s.run("add-ssh-key", "web", "-u", "me", "--value", key)
	assert.ErrorContains(t, err, "kubectl auth can-i patch virtualmachines.kubevirt.io/web -n shop")
	assert.NotContains(t, s.objects, secretsPath+"/web-ssh-key-x1")
}

func TestSecretStaysWhereTheMachineMayNameIt(t *testing.T) {
	s := newServer(t)
	s.refusals["PATCH "+machinesPath+"/web"] = apierrors.NewInternalError(errors.New("lost"))
	_, err := s.run("add-ssh-key", "web", "-u", "me", "--value", key)
	assert.ErrorContains(t, err, "kubectl delete secret web-ssh-key-x1 -n shop")
	assert.Contains(t, s.objects, secretsPath+"/web-ssh-key-x1")
}

func TestMachineThatTookThePlaceOfAnotherIsLeftAlone(t *testing.T) {
	s := newServer(t)
	s.meanwhile[machinesPath+"/web"] = func() {
		vm := s.machine()
		vm.UID = "u2"
		s.put(machinesPath+"/web", vm)
	}
	_, err := s.run("add-ssh-key", "web", "-u", "me", "--value", key)
	assert.ErrorContains(t, err, `there is no virtual machine "web"`)
	assert.Empty(t, s.credentials())
	assert.NotContains(t, s.objects, secretsPath+"/web-ssh-key-x1")
}

func TestKeyIsAddedToTheSecretOfTheUser(t *testing.T) {
	s := newServer(t, keysOf("theirs", "you"), keysOf("keys", "you", "me"))
	s.addSecret("keys", "u1", map[string]string{"a": otherKey, "b": "# " + key})
	s.put(instancesPath+"/web", &kubevirtv1.VirtualMachineInstance{}) // which takes it at once
	s.stdin = key + "\n" + otherKey + "\n"
	out, err := s.run("add-ssh-key", "web", "-u", "me", "-f", "-")
	require.NoError(t, err)
	assert.Equal(t, "secret/keys gets the key of user me\n", out)
	assert.ElementsMatch(t, []string{otherKey, "# " + key, key}, s.values("keys"))

	out, err = s.run("add-ssh-key", "web", "-u", "me", "--value", sameKey)
	require.NoError(t, err)
	assert.Equal(t, "secret/keys has the key of user me already\n", out)
	assert.Len(t, s.writes(), 1)
}

func TestSecretWithoutDataTakesAKey(t *testing.T) {
	s := newServer(t, keysOf("keys", "me"))
	s.addSecret("keys", "u1", nil)
	_, err := s.run("add-ssh-key", "web", "-u", "me", "--update-secret", "--value", key)
	require.NoError(t, err)
	assert.Equal(t, []string{key}, s.values("keys"))
}

func TestKeyThatSomebodyAddsMeanwhileStays(t *testing.T) {
	for name, theirs := range map[string]string{"another": otherKey, "the same": sameKey} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, keysOf("keys", "me"))
			s.addSecret("keys", "u1", nil)
			s.meanwhile[secretsPath+"/keys"] = func() { s.addSecret("keys", "u1", map[string]string{"theirs": theirs}) }
			_, err := s.run("add-ssh-key", "web", "-u", "me", "--value", key)
			require.NoError(t, err)
			want := []string{theirs}
			if theirs != sameKey {
				want = append(want, key)
			}
			assert.ElementsMatch(t, want, s.values("keys"))
		})
	}
}

func TestKeyIsRemovedFromAllSecretsOfTheUser(t *testing.T) {
	s := newServer(t, keysOf("one", "me"), keysOf("two", "me"), keysOf("gone", "me"), keysOf("theirs", "you"), keysOf("shared", "me"))
	s.addSecret("one", "u1", map[string]string{"a": key + "\n# mine\n" + otherKey + "\n", "b": sameKey, "c": ""})
	s.addSecret("two", "u1", map[string]string{"a": key + "\n"})
	s.addSecret("theirs", "u1", map[string]string{"a": key})
	s.addSecret("shared", "", map[string]string{"a": otherKey}) // has no such key, so its owner is nothing to ask about
	file := filepath.Join(t.TempDir(), "key.pub")
	require.NoError(t, os.WriteFile(file, []byte(key+"\n"), 0o600))
	out, err := s.run("remove-ssh-key", "web", "-u", "me", "-f", file)
	require.NoError(t, err)
	assert.Equal(t, "secret/one loses the key of user me\nsecret/two loses the key of user me\n", out)
	assert.ElementsMatch(t, []string{"# mine\n" + otherKey + "\n", ""}, s.values("one"))
	assert.Empty(t, s.values("two"))
	assert.Equal(t, []string{key}, s.values("theirs"))
}

func TestKeyIsRemovedFromTheNamedSecretAlone(t *testing.T) {
	s := newServer(t, keysOf("one", "me"), keysOf("two", "me"))
	s.addSecret("one", "u1", map[string]string{"a": key})
	s.addSecret("two", "u1", map[string]string{"a": key})
	_, err := s.run("remove-ssh-key", "web", "-u", "me", "--secret", "two", "--value", key)
	require.NoError(t, err)
	assert.Equal(t, []string{key}, s.values("one"))
	assert.Empty(t, s.values("two"))
}

func TestKeyThatSomebodyAddsWhileOneIsRemovedStays(t *testing.T) {
	s := newServer(t, keysOf("keys", "me"))
	s.addSecret("keys", "u1", map[string]string{"a": key})
	s.meanwhile[secretsPath+"/keys"] = func() {
		s.meanwhile[secretsPath+"/keys"] = func() { s.addSecret("keys", "u1", map[string]string{"a": key + "\n" + otherKey}) }
	}
	_, err := s.run("remove-ssh-key", "web", "-u", "me", "--value", key)
	require.NoError(t, err)
	assert.Equal(t, []string{otherKey}, s.values("keys"))
}

func TestKeyThatIsNotThereIsRemovedAlready(t *testing.T) {
	for name, has := range map[string][]kubevirtv1.AccessCredential{"no Secret": nil, "another key": {keysOf("keys", "me")}} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, has...)
			s.addSecret("keys", "u1", map[string]string{"a": otherKey})
			out, err := s.run("remove-ssh-key", "web", "-u", "me", "--value", key)
			require.NoError(t, err)
			assert.Equal(t, "virtualmachine.kubevirt.io/web has no Secret with the key of user me\n", out)
			assert.Empty(t, s.writes())
		})
	}
}

func TestOneSecretThatMayNotBeChangedKeepsTheOthersUnchanged(t *testing.T) {
	s := newServer(t, keysOf("one", "me"), keysOf("shared", "me"))
	s.addSecret("one", "u1", map[string]string{"a": key})
	s.addSecret("shared", "", map[string]string{"a": key})
	_, err := s.run("remove-ssh-key", "web", "-u", "me", "--value", key)
	assert.ErrorContains(t, err, `does not own Secret "shared"`)
	assert.Empty(t, s.writes())

	_, err = s.run("remove-ssh-key", "web", "-u", "me", "--value", key, "--force")
	require.NoError(t, err)
	assert.Empty(t, s.values("one"))
	assert.Empty(t, s.values("shared"))
}
