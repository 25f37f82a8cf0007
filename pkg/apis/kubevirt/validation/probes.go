// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

const (
	// maxProbeSeconds bounds the times of a probe.
	maxProbeSeconds = 24 * 60 * 60
	// maxProbeTimeout is how long a guest may take for an answer, in seconds.
	maxProbeTimeout = 60 * 60
	// maxProbeCount bounds the thresholds of a probe.
	maxProbeCount = 10_000
	// maxProbeText bounds a path, a header and the whole of a command.
	maxProbeText = 16 << 10
)

func validateProbes(spec *kubevirtv1.VirtualMachineInstanceSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for _, given := range []struct {
		name  string
		probe *kubevirtv1.Probe
	}{{"livenessProbe", spec.LivenessProbe}, {"readinessProbe", spec.ReadinessProbe}} {
		probe, path := given.probe, path.Child(given.name)
		if probe == nil {
			continue
		}
		errs = append(errs, validateHandler(&probe.Handler, path)...)
		errs = append(errs, validateTimes(probe, path)...)
		if (probe.HTTPGet != nil || probe.TCPSocket != nil) && !hasPodNetwork(spec) {
			errs = append(errs, field.Invalid(path, "", path.String()+" is only allowed if the Pod Network is attached"))
		}
	}
	if probe := spec.LivenessProbe; probe != nil {
		if ptr.Deref(probe.SuccessThreshold, 0) > 1 {
			errs = append(errs, field.Invalid(path.Child("livenessProbe", "successThreshold"), ptr.Deref(probe.SuccessThreshold, 0), "must be 1"))
		}
		if spec.StartStrategy != nil && *spec.StartStrategy == kubevirtv1.StartStrategyPaused {
			errs = append(errs, field.Invalid(path.Child("startStrategy"), *spec.StartStrategy, "must not be used with a livenessProbe, which a paused guest fails"))
		}
	}
	return errs
}

func hasPodNetwork(spec *kubevirtv1.VirtualMachineInstanceSpec) bool {
	for _, network := range spec.Networks {
		if network.Pod != nil {
			return true
		}
	}
	return false
}

func validateHandler(handler *kubevirtv1.Handler, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	handlers := 0
	if exec := handler.Exec; exec != nil {
		handlers++
		errs = append(errs, validateCommand(exec.Command, path.Child("exec", "command"))...)
	}
	if handler.GuestAgentPing != nil {
		handlers++
	}
	if get := handler.HTTPGet; get != nil {
		handlers++
		errs = append(errs, validateHTTPGet(get, path.Child("httpGet"))...)
	}
	if handler.TCPSocket != nil {
		handlers++
		errs = append(errs, validatePort(handler.TCPSocket.Port, path.Child("tcpSocket", "port"))...)
	}
	switch handlers {
	case 0:
		errs = append(errs, field.Required(path, fmt.Sprintf("either %s, %s or %s must be set if a %s is specified",
			path.Child("tcpSocket"), path.Child("exec"), path.Child("httpGet"), path)))
	case 1:
	default:
		errs = append(errs, field.Invalid(path, "", path.String()+" must have exactly one probe type set"))
	}
	return errs
}

func validateCommand(command []string, path *field.Path) field.ErrorList {
	if len(command) == 0 || command[0] == "" {
		return field.ErrorList{field.Required(path, "must name a program in the guest")}
	}
	size := 0
	for i, word := range command {
		if strings.ContainsRune(word, 0) {
			return field.ErrorList{field.Invalid(path.Index(i), word, "may not hold a NUL")}
		}
		size += len(word) + 1
	}
	if size > maxProbeText {
		return field.ErrorList{field.TooLong(path, "", maxProbeText)}
	}
	return nil
}

func validateHTTPGet(get *kubevirtv1.HTTPGetAction, path *field.Path) field.ErrorList {
	errs := validatePort(get.Port, path.Child("port"))
	errs = append(errs, oneOf(path.Child("scheme"), ptr.Deref(get.Scheme, ""), []corev1.URIScheme{corev1.URISchemeHTTP, corev1.URISchemeHTTPS})...)
	if !strings.HasPrefix(ptr.Deref(get.Path, ""), "/") || len(ptr.Deref(get.Path, "")) > maxProbeText {
		errs = append(errs, field.Invalid(path.Child("path"), ptr.Deref(get.Path, ""), "must begin with a slash and not be endless"))
	}
	if len(get.HTTPHeaders) > maxItems {
		return append(errs, field.TooMany(path.Child("httpHeaders"), len(get.HTTPHeaders), maxItems))
	}
	for i, header := range get.HTTPHeaders {
		path := path.Child("httpHeaders").Index(i)
		for _, message := range validation.IsHTTPHeaderName(header.Name) {
			errs = append(errs, field.Invalid(path.Child("name"), header.Name, message))
		}
		if strings.ContainsAny(header.Value, "\r\n\x00") || len(header.Value) > maxProbeText {
			errs = append(errs, field.Invalid(path.Child("value"), header.Value, "must be one line and not endless"))
		}
	}
	return errs
}

// validatePort takes numbers only: a guest's ports have no names.
func validatePort(port intstr.IntOrString, path *field.Path) field.ErrorList {
	if port.Type != intstr.Int || port.IntVal < 1 || port.IntVal > 65535 {
		return field.ErrorList{field.Invalid(path, port.String(), "must be a number from 1 to 65535")}
	}
	return nil
}

func validateTimes(probe *kubevirtv1.Probe, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for _, number := range []struct {
		name             string
		value, low, high int32
	}{
		{"initialDelaySeconds", ptr.Deref(probe.InitialDelaySeconds, 0), 0, maxProbeSeconds},
		{"timeoutSeconds", ptr.Deref(probe.TimeoutSeconds, 0), 1, maxProbeTimeout},
		{"periodSeconds", ptr.Deref(probe.PeriodSeconds, 0), 1, maxProbeSeconds},
		{"successThreshold", ptr.Deref(probe.SuccessThreshold, 0), 1, maxProbeCount},
		{"failureThreshold", ptr.Deref(probe.FailureThreshold, 0), 1, maxProbeCount},
	} {
		if number.value < number.low || number.value > number.high {
			errs = append(errs, field.Invalid(path.Child(number.name), number.value, fmt.Sprintf("must be from %d to %d", number.low, number.high)))
		}
	}
	return errs
}
