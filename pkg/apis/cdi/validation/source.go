// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
)

const (
	maxURL           = 8 << 10
	maxHeader        = 8 << 10
	maxHeaders       = 64
	maxHeaderSecrets = 16
)

func validateSource(src *cdiv1.DataVolumeSource, path *field.Path) field.ErrorList {
	switch {
	case src == nil:
		return field.ErrorList{field.Required(path,
			"Data volume should have either Source or SourceRef, or be externally populated: give one of source.http, source.registry, source.pvc and source.blank")}
	case sources(src) == 0:
		return field.ErrorList{field.Required(path, "Missing Data volume source: give one of http, registry, pvc and blank")}
	case sources(src) > 1:
		return field.ErrorList{field.Forbidden(path, "Multiple Data volume sources: give one of http, registry, pvc and blank")}
	case src.HTTP != nil:
		return validateHTTP(src.HTTP, path.Child("http"))
	case src.Registry != nil:
		return validateRegistry(src.Registry, path.Child("registry"))
	case src.PVC != nil:
		return validateSourcePVC(src.PVC, path.Child("pvc"))
	}
	return nil
}

func sources(src *cdiv1.DataVolumeSource) int {
	given := 0
	for _, there := range []bool{src.HTTP != nil, src.Registry != nil, src.PVC != nil, src.Blank != nil} {
		if there {
			given++
		}
	}
	return given
}

func validateRegistry(src *cdiv1.DataVolumeSourceRegistry, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	url := path.Child("url")
	image, ok := strings.CutPrefix(ptr.Deref(src.URL, ""), cdiv1.RegistryScheme)
	switch {
	case src.URL == nil:
		errs = append(errs, field.Required(url, "Source registry has no url: give docker://HOST/NAME:TAG"))
	case !ok:
		errs = append(errs, field.Invalid(url, *src.URL, "Source registry has a scheme that is not supported: give docker://HOST/NAME:TAG"))
	default:
		if err := source.ValidateImage(image); err != nil {
			errs = append(errs, field.Invalid(url, *src.URL, "the image "+err.Error()))
		} else if _, onDisk := source.ParseLocal(image); onDisk {
			errs = append(errs, field.Invalid(url, *src.URL, "names an image on disk: give docker://HOST/NAME:TAG"))
		}
	}
	methods := []cdiv1.RegistryPullMethod{cdiv1.RegistryPullPod, cdiv1.RegistryPullNode}
	if method := src.PullMethod; method != nil && !slices.Contains(methods, *method) {
		errs = append(errs, field.NotSupported(path.Child("pullMethod"), *method, methods))
	}
	if src.SecretRef != nil {
		errs = append(errs, validateName(*src.SecretRef, path.Child("secretRef"))...)
	}
	if src.CertConfigMap != nil {
		errs = append(errs, validateName(*src.CertConfigMap, path.Child("certConfigMap"))...)
	}
	return errs
}

func validateSourcePVC(src *cdiv1.DataVolumeSourcePVC, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for _, part := range []struct {
		path *field.Path
		name string
		what string
	}{{path.Child("namespace"), src.Namespace, "namespace"}, {path.Child("name"), src.Name, "name"}} {
		if part.name == "" {
			errs = append(errs, field.Required(part.path, "Data volume source PVC is not valid: give the "+part.what+" of the claim to copy"))
			continue
		}
		errs = append(errs, validateName(part.name, part.path)...)
	}
	return errs
}

func validateHTTP(src *cdiv1.DataVolumeSourceHTTP, path *field.Path) field.ErrorList {
	errs := validateURL(src.URL, path.Child("url"))
	errs = append(errs, validateHeaders(src.ExtraHeaders, path.Child("extraHeaders"))...)
	errs = append(errs, validateChecksum(ptr.Deref(src.Checksum, ""), path.Child("checksum"))...)
	if ptr.Deref(src.SecretRef, "") != "" {
		errs = append(errs, validateName(ptr.Deref(src.SecretRef, ""), path.Child("secretRef"))...)
	}
	if ptr.Deref(src.CertConfigMap, "") != "" {
		errs = append(errs, validateName(ptr.Deref(src.CertConfigMap, ""), path.Child("certConfigMap"))...)
	}
	secrets := path.Child("secretExtraHeaders")
	if n := len(src.SecretExtraHeaders); n > maxHeaderSecrets {
		return append(errs, field.TooMany(secrets, n, maxHeaderSecrets))
	}
	for i, name := range src.SecretExtraHeaders {
		errs = append(errs, validateName(name, secrets.Index(i))...)
	}
	return errs
}

// validateURL does not show the URL in its errors: it may hold a password.
func validateURL(raw string, path *field.Path) field.ErrorList {
	if raw == "" {
		return field.ErrorList{field.Required(path, "source URL is empty")}
	}
	if len(raw) > maxURL {
		return field.ErrorList{field.TooLong(path, "", maxURL)}
	}
	if _, err := source.ParseURL(raw); err != nil {
		return field.ErrorList{field.Invalid(path, field.OmitValueType{}, err.Error())}
	}
	return nil
}

// validateHeaders does not show the lines in its errors: they may hold tokens.
func validateHeaders(headers []string, path *field.Path) field.ErrorList {
	if n := len(headers); n > maxHeaders {
		return field.ErrorList{field.TooMany(path, n, maxHeaders)}
	}
	var errs field.ErrorList
	for i, header := range headers {
		if len(header) > maxHeader {
			errs = append(errs, field.TooLong(path.Index(i), "", maxHeader))
			continue
		}
		if _, _, err := source.ParseHeader(header); err != nil {
			errs = append(errs, field.Invalid(path.Index(i), field.OmitValueType{}, err.Error()))
		}
	}
	return errs
}

func validateChecksum(checksum string, path *field.Path) field.ErrorList {
	if checksum == "" {
		return nil
	}
	if _, err := source.ParseChecksum(checksum); err != nil {
		return field.ErrorList{field.Invalid(path, checksum, err.Error())}
	}
	return nil
}
