// SPDX-License-Identifier: Apache-2.0

package datavolume

import (
	"context"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
)

// Reasons for which a source is not complete. Whoever owns the objects can mend that, so none is permanent.
const (
	reasonSecretNotFound    = "SecretNotFound"
	reasonSecretNotValid    = "SecretNotValid"
	reasonConfigMapNotFound = "ConfigMapNotFound"
	reasonConfigMapNotValid = "ConfigMapNotValid"
	reasonReadFailed        = "ReferenceReadFailed"
)

const (
	// The keys are upstream's.
	usernameKey = "accessKeyId"
	passwordKey = "secretKey"

	maxHeaders      = 128
	maxHeaderBytes  = 64 << 10
	maxCertificates = 512 << 10
)

// httpSource returns the source with what it refers to. The error is a *failure.Error.
func (c *Controller) httpSource(ctx context.Context, namespace string, spec *cdiv1.DataVolumeSourceHTTP) (*source.HTTP, error) {
	resolved := &source.HTTP{
		URL:                spec.URL,
		ExtraHeaders:       slices.Clone(spec.ExtraHeaders),
		InsecureSkipVerify: spec.InsecureSkipVerify != nil && *spec.InsecureSkipVerify,
		Checksum:           ptr.Deref(spec.Checksum, ""),
	}
	if ptr.Deref(spec.SecretRef, "") != "" {
		var err error
		if resolved.Username, resolved.Password, err = c.login(ctx, namespace, ptr.Deref(spec.SecretRef, "")); err != nil {
			return nil, err
		}
	}
	for _, name := range spec.SecretExtraHeaders {
		secret, err := c.secret(ctx, namespace, name)
		if err != nil {
			return nil, err
		}
		headers, err := headersOf(secret)
		if err != nil {
			return nil, err
		}
		resolved.ExtraHeaders = append(resolved.ExtraHeaders, headers...)
	}
	if ptr.Deref(spec.CertConfigMap, "") != "" {
		var err error
		if resolved.CACert, err = c.certificates(ctx, namespace, ptr.Deref(spec.CertConfigMap, "")); err != nil {
			return nil, err
		}
	}
	return resolved, nil
}

// registrySource returns the image with what it refers to. The error is a *failure.Error.
func (c *Controller) registrySource(ctx context.Context, namespace string, spec *cdiv1.DataVolumeSourceRegistry) (*source.Container, error) {
	resolved := &source.Container{Image: strings.TrimPrefix(ptr.Deref(spec.URL, ""), cdiv1.RegistryScheme)}
	var err error
	if spec.SecretRef != nil {
		if resolved.Username, resolved.Password, err = c.login(ctx, namespace, *spec.SecretRef); err != nil {
			return nil, err
		}
	}
	if spec.CertConfigMap != nil {
		if resolved.CACert, err = c.certificates(ctx, namespace, *spec.CertConfigMap); err != nil {
			return nil, err
		}
	}
	return resolved, nil
}

// login returns the user name and the password in a Secret.
func (c *Controller) login(ctx context.Context, namespace, name string) (username, password string, err error) {
	secret, err := c.secret(ctx, namespace, name)
	if err != nil {
		return "", "", err
	}
	username, password = string(secret.Data[usernameKey]), string(secret.Data[passwordKey])
	if username == "" && password == "" {
		return "", "", failure.Transient(reasonSecretNotValid, "Secret %q has neither %s nor %s: add them, or leave secretRef out",
			name, usernameKey, passwordKey)
	}
	return username, password, nil
}

// headersOf returns the headers that are the values of a Secret, in the order of its keys.
func headersOf(secret *corev1.Secret) ([]string, error) {
	var headers []string
	bytes := 0
	for _, key := range slices.Sorted(maps.Keys(secret.Data)) {
		header := strings.TrimRight(string(secret.Data[key]), "\r\n")
		if _, _, err := source.ParseHeader(header); err != nil {
			return nil, failure.Transient(reasonSecretNotValid, "Secret %q, key %q: %w", secret.Name, key, err)
		}
		headers = append(headers, header)
		bytes += len(header)
	}
	if len(headers) > maxHeaders || bytes > maxHeaderBytes {
		return nil, failure.Transient(reasonSecretNotValid, "Secret %q has %d headers of %d bytes: at most %d of %d bytes are sent",
			secret.Name, len(headers), bytes, maxHeaders, maxHeaderBytes)
	}
	return headers, nil
}

// certificates returns the values of a ConfigMap, one after the other.
func (c *Controller) certificates(ctx context.Context, namespace, name string) (string, error) {
	config, err := c.core.CoreV1().ConfigMaps(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return "", unreadable(err, reasonConfigMapNotFound, "ConfigMap", name)
	}
	var bundle strings.Builder
	for _, key := range slices.Sorted(maps.Keys(config.Data)) {
		bundle.WriteString(config.Data[key])
		bundle.WriteString("\n")
	}
	if bundle.Len() > maxCertificates {
		return "", failure.Transient(reasonConfigMapNotValid, "ConfigMap %q has %d bytes of certificates: at most %d are used",
			name, bundle.Len(), maxCertificates)
	}
	if err := (source.HTTP{URL: "https://host", CACert: bundle.String()}).Validate(); err != nil || bundle.Len() == 0 {
		return "", failure.Transient(reasonConfigMapNotValid, "ConfigMap %q holds no PEM certificate: add the server's CA", name)
	}
	return bundle.String(), nil
}

func (c *Controller) secret(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	secret, err := c.core.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, unreadable(err, reasonSecretNotFound, "Secret", name)
	}
	return secret, nil
}

func unreadable(err error, notFound, kind, name string) error {
	if apierrors.IsNotFound(err) {
		return failure.Transient(notFound, "%s %q does not exist: create it, or make another DataVolume without it", kind, name)
	}
	return failure.Transient(reasonReadFailed, "read %s %q: %w", kind, name, err)
}
