// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"regexp"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// guestUsers are names of users that Linux or Windows may have.
var guestUsers = regexp.MustCompile(`^[^\s\x00-\x1f\x7f:/\\]{1,256}$`)

func validateAccessCredentials(spec *kubevirtv1.VirtualMachineInstanceSpec, path *field.Path) field.ErrorList {
	path = path.Child("accessCredentials")
	if len(spec.AccessCredentials) > maxItems {
		return field.ErrorList{field.TooMany(path, len(spec.AccessCredentials), maxItems)}
	}
	var errs field.ErrorList
	for i := range spec.AccessCredentials {
		credential, path := &spec.AccessCredentials[i], path.Index(i)
		keys, password := credential.SSHPublicKey, credential.UserPassword
		if (keys == nil) == (password == nil) {
			errs = append(errs, field.Invalid(path, "", "must have exactly one of sshPublicKey and userPassword"))
			continue
		}
		if keys != nil {
			errs = append(errs, validateKeys(keys, spec.Volumes, path.Child("sshPublicKey"))...)
			continue
		}
		path = path.Child("userPassword")
		errs = append(errs, validateCredentialSource(password.Source.Secret, path.Child("source"))...)
		if password.PropagationMethod.QemuGuestAgent == nil {
			errs = append(errs, field.Invalid(path.Child("propagationMethod"), "", "must have exactly one method: qemuGuestAgent"))
		}
	}
	return errs
}

func validateCredentialSource(secret *kubevirtv1.AccessCredentialSecretSource, path *field.Path) field.ErrorList {
	if secret == nil {
		return field.ErrorList{field.Invalid(path, "", "must have exactly one source: secret")}
	}
	return validateReference(secret.SecretName, path.Child("secret", "secretName"))
}

func validateKeys(keys *kubevirtv1.SSHPublicKeyAccessCredential, volumes []kubevirtv1.Volume, path *field.Path) field.ErrorList {
	errs := validateCredentialSource(keys.Source.Secret, path.Child("source"))
	method, path := keys.PropagationMethod, path.Child("propagationMethod")
	methods := 0
	if method.NoCloud != nil {
		methods++
		if !slices.ContainsFunc(volumes, func(v kubevirtv1.Volume) bool { return v.CloudInitNoCloud != nil }) {
			errs = append(errs, field.Invalid(path, "noCloud", "needs a cloudInitNoCloud volume"))
		}
	}
	if method.ConfigDrive != nil {
		methods++
		if !slices.ContainsFunc(volumes, func(v kubevirtv1.Volume) bool { return v.CloudInitConfigDrive != nil }) {
			errs = append(errs, field.Invalid(path, "configDrive", "needs a cloudInitConfigDrive volume"))
		}
	}
	if method.QemuGuestAgent != nil {
		methods++
		errs = append(errs, validateUsers(method.QemuGuestAgent.Users, path.Child("qemuGuestAgent", "users"))...)
	}
	if methods != 1 {
		errs = append(errs, field.Invalid(path, "", "must have exactly one of noCloud, configDrive and qemuGuestAgent"))
	}
	return errs
}

func validateUsers(users []string, path *field.Path) field.ErrorList {
	if len(users) == 0 {
		return field.ErrorList{field.Invalid(path, users, "must name at least one user of the guest")}
	}
	if len(users) > maxItems {
		return field.ErrorList{field.TooMany(path, len(users), maxItems)}
	}
	var errs field.ErrorList
	for i, user := range users {
		if !guestUsers.MatchString(user) {
			errs = append(errs, field.Invalid(path.Index(i), user, "is no name of a user"))
		}
		if slices.Contains(users[:i], user) {
			errs = append(errs, field.Duplicate(path.Index(i), user))
		}
	}
	return errs
}
