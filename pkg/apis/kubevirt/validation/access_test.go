// SPDX-License-Identifier: Apache-2.0

package validation_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/validation"
)

func keysBy(method kubevirtv1.SSHPublicKeyAccessCredentialPropagationMethod) kubevirtv1.AccessCredential {
	return kubevirtv1.AccessCredential{SSHPublicKey: &kubevirtv1.SSHPublicKeyAccessCredential{
		Source:            kubevirtv1.SSHPublicKeyAccessCredentialSource{Secret: &kubevirtv1.AccessCredentialSecretSource{SecretName: "keys"}},
		PropagationMethod: method,
	}}
}

func byAgent(users ...string) kubevirtv1.SSHPublicKeyAccessCredentialPropagationMethod {
	return kubevirtv1.SSHPublicKeyAccessCredentialPropagationMethod{
		QemuGuestAgent: &kubevirtv1.QemuGuestAgentSSHPublicKeyAccessCredentialPropagation{Users: users},
	}
}

func passwords() kubevirtv1.AccessCredential {
	return kubevirtv1.AccessCredential{UserPassword: &kubevirtv1.UserPasswordAccessCredential{
		Source: kubevirtv1.UserPasswordAccessCredentialSource{Secret: &kubevirtv1.AccessCredentialSecretSource{SecretName: "passwords"}},
		PropagationMethod: kubevirtv1.UserPasswordAccessCredentialPropagationMethod{
			QemuGuestAgent: &kubevirtv1.QemuGuestAgentUserPasswordAccessCredentialPropagation{},
		},
	}}
}

// refused is the first error of an instance's spec after a change to it.
func refused(t *testing.T, change func(*kubevirtv1.VirtualMachineInstanceSpec)) *field.Error {
	t.Helper()
	spec := machine().Spec.Template.Spec.DeepCopy()
	kubevirtv1.SetDefaultsVirtualMachineInstanceSpec(spec)
	require.Empty(t, validation.ValidateVirtualMachineInstanceSpec(spec, field.NewPath("spec")))
	change(spec)
	kubevirtv1.SetDefaultsVirtualMachineInstanceSpec(spec)
	errs := validation.ValidateVirtualMachineInstanceSpec(spec, field.NewPath("spec"))
	if len(errs) == 0 {
		return nil
	}
	return errs[0]
}

func TestAccessCredentialsAreOfOneKindAndGoOneWay(t *testing.T) {
	noCloud := keysBy(kubevirtv1.SSHPublicKeyAccessCredentialPropagationMethod{NoCloud: &kubevirtv1.NoCloudSSHPublicKeyAccessCredentialPropagation{}})
	configDrive := keysBy(kubevirtv1.SSHPublicKeyAccessCredentialPropagationMethod{ConfigDrive: &kubevirtv1.ConfigDriveSSHPublicKeyAccessCredentialPropagation{}})
	both := passwords()
	both.SSHPublicKey = noCloud.SSHPublicKey
	noSource, noName, noMethod := passwords(), passwords(), passwords()
	noSource.UserPassword.Source.Secret = nil
	noName.UserPassword.Source.Secret.SecretName = ""
	noMethod.UserPassword.PropagationMethod.QemuGuestAgent = nil
	twoWays := keysBy(byAgent("root"))
	twoWays.SSHPublicKey.PropagationMethod.NoCloud = noCloud.SSHPublicKey.PropagationMethod.NoCloud
	const path = "spec.accessCredentials[0]"
	for name, test := range map[string]struct {
		credential kubevirtv1.AccessCredential
		field      string
	}{
		"passwords":         {passwords(), ""},
		"keys by agent":     {keysBy(byAgent("root", "José")), ""},
		"keys by seed":      {noCloud, ""},
		"no such seed":      {configDrive, path + ".sshPublicKey.propagationMethod"},
		"of no kind":        {kubevirtv1.AccessCredential{}, path},
		"of both kinds":     {both, path},
		"no source":         {noSource, path + ".userPassword.source"},
		"no name":           {noName, path + ".userPassword.source.secret.secretName"},
		"no way":            {noMethod, path + ".userPassword.propagationMethod"},
		"no way for keys":   {keysBy(kubevirtv1.SSHPublicKeyAccessCredentialPropagationMethod{}), path + ".sshPublicKey.propagationMethod"},
		"two ways":          {twoWays, path + ".sshPublicKey.propagationMethod"},
		"no users":          {keysBy(byAgent()), path + ".sshPublicKey.propagationMethod.qemuGuestAgent.users"},
		"a user twice":      {keysBy(byAgent("a", "a")), path + ".sshPublicKey.propagationMethod.qemuGuestAgent.users[1]"},
		"a path for a user": {keysBy(byAgent("../root")), path + ".sshPublicKey.propagationMethod.qemuGuestAgent.users[0]"},
		"a line for a user": {keysBy(byAgent("root\nroot")), path + ".sshPublicKey.propagationMethod.qemuGuestAgent.users[0]"},
	} {
		t.Run(name, func(t *testing.T) {
			err := refused(t, func(spec *kubevirtv1.VirtualMachineInstanceSpec) {
				spec.AccessCredentials = []kubevirtv1.AccessCredential{test.credential}
			})
			if test.field == "" {
				assert.Nil(t, err)
				return
			}
			require.NotNil(t, err)
			assert.Equal(t, test.field, err.Field)
		})
	}
	err := refused(t, func(spec *kubevirtv1.VirtualMachineInstanceSpec) {
		spec.AccessCredentials = make([]kubevirtv1.AccessCredential, 257)
	})
	require.NotNil(t, err)
	assert.Equal(t, field.ErrorTypeTooMany, err.Type)
}

func TestProbesAskOneThingInATimeThatMakesSense(t *testing.T) {
	type probe = kubevirtv1.Probe
	handler := func(h kubevirtv1.Handler) *probe { return &probe{Handler: h} }
	ping := func(change func(*probe)) *probe {
		p := handler(kubevirtv1.Handler{GuestAgentPing: &kubevirtv1.GuestAgentPing{}})
		change(p)
		return p
	}
	exec := func(command ...string) *probe {
		return handler(kubevirtv1.Handler{Exec: &kubevirtv1.ExecAction{Command: command}})
	}
	get := func(change func(*kubevirtv1.HTTPGetAction)) *probe {
		action := &kubevirtv1.HTTPGetAction{Port: intstr.FromInt32(80)}
		change(action)
		return handler(kubevirtv1.Handler{HTTPGet: action})
	}
	const path = "spec.readinessProbe"
	for name, test := range map[string]struct {
		probe *probe
		field string
	}{
		"ping":          {ping(func(*probe) {}), ""},
		"exec":          {exec("cat", "/tmp/ready"), ""},
		"http":          {get(func(*kubevirtv1.HTTPGetAction) {}), ""},
		"tcp":           {handler(kubevirtv1.Handler{TCPSocket: &kubevirtv1.TCPSocketAction{Port: intstr.FromInt32(22)}}), ""},
		"nothing":       {&probe{}, path},
		"two":           {handler(kubevirtv1.Handler{Exec: &kubevirtv1.ExecAction{Command: []string{"a"}}, GuestAgentPing: &kubevirtv1.GuestAgentPing{}}), path},
		"no command":    {exec(), path + ".exec.command"},
		"long command":  {exec(strings.Repeat("a", 20_000)), path + ".exec.command"},
		"NUL":           {exec("a", "b\x00"), path + ".exec.command[1]"},
		"port 0":        {handler(kubevirtv1.Handler{TCPSocket: &kubevirtv1.TCPSocketAction{}}), path + ".tcpSocket.port"},
		"named port":    {get(func(a *kubevirtv1.HTTPGetAction) { a.Port = intstr.FromString("http") }), path + ".httpGet.port"},
		"scheme":        {get(func(a *kubevirtv1.HTTPGetAction) { a.Scheme = ptr.To[corev1.URIScheme]("GOPHER") }), path + ".httpGet.scheme"},
		"relative path": {get(func(a *kubevirtv1.HTTPGetAction) { a.Path = ptr.To("healthz") }), path + ".httpGet.path"},
		"header name":   {get(func(a *kubevirtv1.HTTPGetAction) { a.HTTPHeaders = []corev1.HTTPHeader{{Name: "a b"}} }), path + ".httpGet.httpHeaders[0].name"},
		"two headers": {get(func(a *kubevirtv1.HTTPGetAction) {
			a.HTTPHeaders = []corev1.HTTPHeader{{Name: "a", Value: "b\r\nc: d"}}
		}), path + ".httpGet.httpHeaders[0].value"},
		"negative delay": {ping(func(p *probe) { p.InitialDelaySeconds = ptr.To[int32](-1) }), path + ".initialDelaySeconds"},
		"absurd timeout": {ping(func(p *probe) { p.TimeoutSeconds = ptr.To[int32](1 << 30) }), path + ".timeoutSeconds"},
		"period":         {ping(func(p *probe) { p.PeriodSeconds = ptr.To[int32](-1) }), path + ".periodSeconds"},
		"successes":      {ping(func(p *probe) { p.SuccessThreshold = ptr.To[int32](-1) }), path + ".successThreshold"},
		"failures":       {ping(func(p *probe) { p.FailureThreshold = ptr.To[int32](-1) }), path + ".failureThreshold"},
	} {
		t.Run(name, func(t *testing.T) {
			err := refused(t, func(spec *kubevirtv1.VirtualMachineInstanceSpec) { spec.ReadinessProbe = test.probe })
			if test.field == "" {
				assert.Nil(t, err)
				return
			}
			require.NotNil(t, err)
			assert.Equal(t, test.field, err.Field)
		})
	}
	err := refused(t, func(spec *kubevirtv1.VirtualMachineInstanceSpec) {
		spec.LivenessProbe = ping(func(p *probe) { p.SuccessThreshold = ptr.To[int32](2) })
	})
	assert.Equal(t, "spec.livenessProbe.successThreshold", err.Field)
	err = refused(t, func(spec *kubevirtv1.VirtualMachineInstanceSpec) {
		spec.LivenessProbe, spec.StartStrategy = ping(func(*probe) {}), ptr.To(kubevirtv1.StartStrategyPaused)
	})
	assert.Equal(t, "spec.startStrategy", err.Field)
	err = refused(t, func(spec *kubevirtv1.VirtualMachineInstanceSpec) {
		spec.Networks, spec.Domain.Devices.Interfaces, spec.Domain.Devices.AutoattachPodInterface = nil, nil, ptr.To(false)
		spec.ReadinessProbe = get(func(*kubevirtv1.HTTPGetAction) {})
	})
	assert.Contains(t, err.Detail, "Pod Network")
}
