// SPDX-License-Identifier: Apache-2.0

package credentials_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt"
)

// The same key twice, and another one.
const (
	key      = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJTU7NAaLwWI3s9PcSEcTyVmcPQPyZC4nZ1XbTlNnN0l me@laptop"
	sameKey  = `restrict,command="true" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJTU7NAaLwWI3s9PcSEcTyVmcPQPyZC4nZ1XbTlNnN0l elsewhere`
	otherKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f you@desk"
)

const (
	secretsPath   = "/api/v1/namespaces/shop/secrets"
	machinesPath  = "/apis/kubevirt.io/v1/namespaces/shop/virtualmachines"
	instancesPath = "/apis/kubevirt.io/v1/namespaces/shop/virtualmachineinstances"
)

// server keeps objects in JSON by their paths, and does with patches, versions and preconditions as servers do.
type server struct {
	t       *testing.T
	url     string
	mu      sync.Mutex
	version int
	objects map[string][]byte
	// requests are "METHOD path" of all but reads of machines.
	requests []string
	// meanwhile is what somebody else does, once, after the next read of its path.
	meanwhile map[string]func()
	// refusals are answers by "METHOD path".
	refusals map[string]error
	stdin    string
}

// newServer has the machine web with these credentials.
func newServer(t *testing.T, credentials ...kubevirtv1.AccessCredential) *server {
	s := &server{t: t, objects: map[string][]byte{}, meanwhile: map[string]func(){}, refusals: map[string]error{}}
	vm := &kubevirtv1.VirtualMachine{ObjectMeta: metav1.ObjectMeta{Name: "web", UID: "u1"}}
	vm.APIVersion, vm.Kind = "kubevirt.io/v1", "VirtualMachine"
	vm.Spec.Template = &kubevirtv1.VirtualMachineInstanceTemplateSpec{}
	vm.Spec.Template.Spec.AccessCredentials = credentials
	s.put(machinesPath+"/web", vm)
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	s.url = web.URL
	return s
}

func keysOf(secret string, users ...string) kubevirtv1.AccessCredential {
	keys := &kubevirtv1.SSHPublicKeyAccessCredential{}
	keys.Source.Secret = &kubevirtv1.AccessCredentialSecretSource{SecretName: secret}
	keys.PropagationMethod.QemuGuestAgent = &kubevirtv1.QemuGuestAgentSSHPublicKeyAccessCredentialPropagation{Users: users}
	return kubevirtv1.AccessCredential{SSHPublicKey: keys}
}

// seeded are keys that the agent does not give.
func seeded(secret string) kubevirtv1.AccessCredential {
	keys := keysOf(secret)
	keys.SSHPublicKey.PropagationMethod.QemuGuestAgent = nil
	keys.SSHPublicKey.PropagationMethod.NoCloud = &kubevirtv1.NoCloudSSHPublicKeyAccessCredentialPropagation{}
	return keys
}

func passwordsOf(secret string) kubevirtv1.AccessCredential {
	passwords := &kubevirtv1.UserPasswordAccessCredential{}
	passwords.Source.Secret = &kubevirtv1.AccessCredentialSecretSource{SecretName: secret}
	passwords.PropagationMethod.QemuGuestAgent = &kubevirtv1.QemuGuestAgentUserPasswordAccessCredentialPropagation{}
	return kubevirtv1.AccessCredential{UserPassword: passwords}
}

// put stores an object as its next version.
func (s *server) put(path string, object any) {
	body, err := json.Marshal(object)
	require.NoError(s.t, err)
	s.version++
	s.objects[path], err = jsonpatch.MergePatch(body, []byte(`{"metadata":{"resourceVersion":"`+strconv.Itoa(s.version)+`"}}`))
	require.NoError(s.t, err)
}

// addSecret adds one of the machine with the UID owner, or of nobody's.
func (s *server) addSecret(name string, owner types.UID, data map[string]string) {
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID("uid-" + name)}, Data: map[string][]byte{}}
	for key, value := range data {
		secret.Data[key] = []byte(value)
	}
	if owner != "" {
		secret.OwnerReferences = []metav1.OwnerReference{{APIVersion: "kubevirt.io/v1", Kind: "VirtualMachine", Name: "web", UID: owner}}
	}
	s.put(secretsPath+"/"+name, secret)
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	path := r.URL.Path
	request := r.Method + " " + path
	if !strings.HasPrefix(request, "GET "+machinesPath) {
		s.requests = append(s.requests, request)
	}
	body, _ := io.ReadAll(r.Body)
	err := s.refusals[request]
	var answer []byte
	if err == nil {
		answer, err = s.serve(r, path, body)
	}
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		status := err.(apierrors.APIStatus).Status()
		status.TypeMeta = metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}
		w.WriteHeader(int(status.Code))
		_ = json.NewEncoder(w).Encode(status)
		return
	}
	_, _ = w.Write(answer)
	if do := s.meanwhile[path]; do != nil && r.Method == http.MethodGet {
		delete(s.meanwhile, path)
		do()
	}
}

func (s *server) serve(r *http.Request, path string, body []byte) ([]byte, error) {
	if r.Method == http.MethodPost {
		secret := &corev1.Secret{}
		_ = json.Unmarshal(body, secret)
		secret.Name, secret.UID = cmp.Or(secret.Name, secret.GenerateName+"x1"), "new"
		path += "/" + secret.Name
		s.put(path, secret)
		return s.objects[path], nil
	}
	stored, found := s.objects[path]
	switch {
	case !found:
		return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "objects"}, path)
	case r.Method == http.MethodDelete:
		delete(s.objects, path)
	case r.Method == http.MethodPatch:
		patched, err := applyPatch(r.Header.Get("Content-Type"), stored, body)
		if err != nil {
			return nil, apierrors.NewBadRequest(err.Error())
		}
		if was, is := metaOf(stored), metaOf(patched); was.UID != is.UID || was.ResourceVersion != is.ResourceVersion {
			return nil, apierrors.NewConflict(schema.GroupResource{Resource: "objects"}, path, errors.New("the object has been modified"))
		}
		s.put(path, json.RawMessage(patched))
	}
	return s.objects[path], nil
}

func applyPatch(kind string, object, patch []byte) ([]byte, error) {
	if kind == string(types.MergePatchType) {
		return jsonpatch.MergePatch(object, patch)
	}
	operations, err := jsonpatch.DecodePatch(patch)
	if err != nil {
		return nil, err
	}
	return operations.Apply(object)
}

func metaOf(object []byte) metav1.ObjectMeta {
	var partial metav1.PartialObjectMetadata
	_ = json.Unmarshal(object, &partial)
	return partial.ObjectMeta
}

func (s *server) secret(name string) *corev1.Secret {
	secret := &corev1.Secret{}
	require.Contains(s.t, s.objects, secretsPath+"/"+name)
	require.NoError(s.t, json.Unmarshal(s.objects[secretsPath+"/"+name], secret))
	return secret
}

// values are those of a Secret, whatever their names.
func (s *server) values(name string) []string {
	var values []string
	for _, value := range s.secret(name).Data {
		values = append(values, string(value))
	}
	return values
}

func (s *server) machine() *kubevirtv1.VirtualMachine {
	vm := &kubevirtv1.VirtualMachine{}
	require.NoError(s.t, json.Unmarshal(s.objects[machinesPath+"/web"], vm))
	return vm
}

func (s *server) credentials() []kubevirtv1.AccessCredential {
	return s.machine().Spec.Template.Spec.AccessCredentials
}

// writes are the requests that would change something.
func (s *server) writes() []string {
	var writes []string
	for _, request := range s.requests {
		if !strings.HasPrefix(request, http.MethodGet) {
			writes = append(writes, request)
		}
	}
	return writes
}

func (s *server) run(args ...string) (string, error) {
	return s.execute(append([]string{"credentials"}, args...)...)
}

// complete is what a shell offers behind a verb.
func (s *server) complete(verb string) (string, error) {
	return s.execute("__complete", "credentials", verb, "")
}

func (s *server) execute(args ...string) (string, error) {
	streams, in, out, _ := genericiooptions.NewTestIOStreams()
	in.WriteString(s.stdin)
	command := kubectlvirt.NewCommand("kubectl-virt", streams)
	connection := []string{"--server", s.url, "--kubeconfig", "/dev/null", "-n", "shop"}
	if args[0] == "__complete" {
		args = append(append([]string{args[0]}, connection...), args[1:]...)
	} else {
		args = append(args, connection...)
	}
	command.SetArgs(args)
	err := command.ExecuteContext(s.t.Context())
	return out.String(), err
}
