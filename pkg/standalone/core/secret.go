// SPDX-License-Identifier: Apache-2.0

package core

import (
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/virt-apiserver/virt-apiserver/pkg/registry/table"
)

func secrets() kind[*corev1.Secret] {
	return kind[*corev1.Secret]{
		groupVersion:     corev1.SchemeGroupVersion,
		resource:         "secrets",
		singular:         "secret",
		newObject:        func() *corev1.Secret { return &corev1.Secret{} },
		newList:          func() runtime.Object { return &corev1.SecretList{} },
		validName:        validation.NameIsDNSSubdomain,
		prepareForCreate: mergeStringData,
		prepareForUpdate: func(secret, _ *corev1.Secret) { mergeStringData(secret) },
		validate:         validateSecret,
		validateUpdate:   validateSecretUpdate,
		selectable:       func(secret *corev1.Secret) fields.Set { return fields.Set{"type": string(secret.Type)} },
		columns: []metav1.TableColumnDefinition{
			table.NameColumn(),
			{Name: "Type", Type: "string", Description: "What the values are for."},
			{Name: "Data", Type: "string", Description: "How many values it has."},
			table.AgeColumn(),
		},
		cells: func(secret *corev1.Secret) []any {
			return []any{secret.Name, string(secret.Type), int64(len(secret.Data)), table.Age(secret.CreationTimestamp)}
		},
	}
}

func defaultSecret(secret *corev1.Secret) {
	if secret.Type == "" {
		secret.Type = corev1.SecretTypeOpaque
	}
}

// mergeStringData makes values of the texts, which are for writing only.
func mergeStringData(secret *corev1.Secret) {
	if len(secret.StringData) > 0 && secret.Data == nil {
		secret.Data = make(map[string][]byte, len(secret.StringData))
	}
	for key, text := range secret.StringData {
		secret.Data[key] = []byte(text)
	}
	secret.StringData = nil
}

func validateSecret(secret *corev1.Secret) field.ErrorList {
	path := field.NewPath("data")
	errs := validateKeys(secret.Data, path)
	size := 0
	for _, value := range secret.Data {
		size += len(value)
	}
	if size > maxDataSize {
		errs = append(errs, field.TooLong(path, "", maxDataSize))
	}
	return append(errs, validateSecretType(secret, path)...)
}

// validateSecretType holds well-known types to what their readers expect.
func validateSecretType(secret *corev1.Secret, path *field.Path) field.ErrorList {
	switch secret.Type {
	case corev1.SecretTypeServiceAccountToken:
		if secret.Annotations[corev1.ServiceAccountNameKey] == "" {
			return field.ErrorList{field.Required(field.NewPath("metadata", "annotations").Key(corev1.ServiceAccountNameKey), "")}
		}
	case corev1.SecretTypeDockercfg:
		return validateJSONValue(secret, corev1.DockerConfigKey, path)
	case corev1.SecretTypeDockerConfigJson:
		return validateJSONValue(secret, corev1.DockerConfigJsonKey, path)
	case corev1.SecretTypeBasicAuth:
		if !has(secret, corev1.BasicAuthUsernameKey) && !has(secret, corev1.BasicAuthPasswordKey) {
			return append(require(secret, corev1.BasicAuthUsernameKey, path), require(secret, corev1.BasicAuthPasswordKey, path)...)
		}
	case corev1.SecretTypeSSHAuth:
		if len(secret.Data[corev1.SSHAuthPrivateKey]) == 0 {
			return field.ErrorList{field.Required(path.Key(corev1.SSHAuthPrivateKey), "")}
		}
	case corev1.SecretTypeTLS:
		return append(require(secret, corev1.TLSCertKey, path), require(secret, corev1.TLSPrivateKeyKey, path)...)
	}
	return nil
}

func has(secret *corev1.Secret, key string) bool {
	_, ok := secret.Data[key]
	return ok
}

func require(secret *corev1.Secret, key string, path *field.Path) field.ErrorList {
	if has(secret, key) {
		return nil
	}
	return field.ErrorList{field.Required(path.Key(key), "")}
}

func validateJSONValue(secret *corev1.Secret, key string, path *field.Path) field.ErrorList {
	if errs := require(secret, key, path); len(errs) > 0 {
		return errs
	}
	if !json.Valid(secret.Data[key]) {
		return field.ErrorList{field.Invalid(path.Key(key), "<secret contents redacted>", "is not JSON")}
	}
	return nil
}

func validateSecretUpdate(secret, old *corev1.Secret) field.ErrorList {
	errs := validation.ValidateImmutableField(secret.Type, old.Type, field.NewPath("type"))
	if !ptr.Deref(old.Immutable, false) {
		return errs
	}
	errs = append(errs, validateStaysImmutable(secret.Immutable)...)
	return append(errs, unchanged(secret.Data, old.Data, field.NewPath("data"))...)
}
