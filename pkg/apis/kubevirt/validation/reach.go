// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

const (
	maxPorts = 256
	// maxDHCPOption is the length of an option's value.
	maxDHCPOption = 255
	// What resolvers take, as Kubernetes bounds it.
	maxNameservers  = 3
	maxSearches     = 6
	maxSearchLength = 256
)

var dnsPolicies = []corev1.DNSPolicy{corev1.DNSClusterFirst, corev1.DNSClusterFirstWithHostNet, corev1.DNSDefault, corev1.DNSNone}

func validatePorts(ports []kubevirtv1.Port, path *field.Path) field.ErrorList {
	if len(ports) > maxPorts {
		return field.ErrorList{field.TooMany(path, len(ports), maxPorts)}
	}
	var errs field.ErrorList
	names := map[string]bool{}
	for i, port := range ports {
		path := path.Index(i)
		switch {
		case port.Port == 0:
			errs = append(errs, field.Required(path, "Port field is mandatory."))
		case port.Port < 0 || port.Port > 65535:
			errs = append(errs, field.Invalid(path, port.Port, "Port field must be in range 0 < x < 65536."))
		}
		if ptr.Deref(port.Protocol, "") != "" && ptr.Deref(port.Protocol, "") != "TCP" && ptr.Deref(port.Protocol, "") != "UDP" {
			errs = append(errs, field.Invalid(path.Child("protocol"), ptr.Deref(port.Protocol, ""), "Unknown protocol, only TCP or UDP allowed"))
		}
		if ptr.Deref(port.Name, "") == "" {
			continue
		}
		if names[ptr.Deref(port.Name, "")] {
			errs = append(errs, field.Duplicate(path.Child("name"), ptr.Deref(port.Name, "")))
		}
		names[ptr.Deref(port.Name, "")] = true
		for _, message := range validation.IsValidPortName(ptr.Deref(port.Name, "")) {
			errs = append(errs, field.Invalid(path.Child("name"), ptr.Deref(port.Name, ""), message))
		}
	}
	return errs
}

func validateDHCPOptions(options *kubevirtv1.DHCPOptions, path *field.Path) field.ErrorList {
	if options == nil {
		return nil
	}
	var errs field.ErrorList
	for _, text := range []struct{ name, value string }{{"bootFileName", ptr.Deref(options.BootFileName, "")}, {"tftpServerName", ptr.Deref(options.TFTPServerName, "")}} {
		if len(text.value) > maxDHCPOption {
			errs = append(errs, field.TooLong(path.Child(text.name), text.value, maxDHCPOption))
		}
	}
	if len(options.NTPServers) > maxPorts {
		return append(errs, field.TooMany(path.Child("ntpServers"), len(options.NTPServers), maxPorts))
	}
	for i, server := range options.NTPServers {
		if address, err := netip.ParseAddr(server); err != nil || !address.Is4() {
			errs = append(errs, field.Invalid(path.Child("ntpServers").Index(i), server, "NTP servers must be a list of valid IPv4 addresses."))
		}
	}
	path = path.Child("privateOptions")
	seen := map[int]bool{}
	for i, option := range options.PrivateOptions {
		if option.Option < 224 || option.Option > 254 {
			errs = append(errs, field.Invalid(path.Index(i).Child("option"), option.Option, "provided DHCPPrivateOptions are out of range, must be in range 224 to 254"))
			continue
		}
		if seen[option.Option] {
			errs = append(errs, field.Invalid(path.Index(i).Child("option"), option.Option, "Found Duplicates: you have provided duplicate DHCPPrivateOptions"))
		}
		seen[option.Option] = true
		if len(option.Value) > maxDHCPOption {
			errs = append(errs, field.TooLong(path.Index(i).Child("value"), option.Value, maxDHCPOption))
		}
	}
	return errs
}

// validateNames looks at what the guest is called and what names it resolves.
func validateNames(spec *kubevirtv1.VirtualMachineInstanceSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for _, label := range []struct{ name, value string }{{"hostname", ptr.Deref(spec.Hostname, "")}, {"subdomain", ptr.Deref(spec.Subdomain, "")}} {
		if label.value == "" {
			continue
		}
		for _, message := range validation.IsDNS1123Label(label.value) {
			errs = append(errs, field.Invalid(path.Child(label.name), label.value, message))
		}
	}
	if policy := spec.DNSPolicy; policy != nil {
		errs = append(errs, oneOf(path.Child("dnsPolicy"), *policy, dnsPolicies)...)
		if *policy == corev1.DNSNone && (spec.DNSConfig == nil || len(spec.DNSConfig.Nameservers) == 0) {
			errs = append(errs, field.Required(path.Child("dnsConfig", "nameservers"), "must provide at least one DNS nameserver when `dnsPolicy` is None"))
		}
	}
	if spec.DNSConfig != nil {
		errs = append(errs, validateDNSConfig(spec.DNSConfig, path.Child("dnsConfig"))...)
	}
	return errs
}

func validateDNSConfig(config *kubevirtv1.DNSConfig, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if len(config.Nameservers) > maxNameservers {
		errs = append(errs, field.Invalid(path.Child("nameservers"), config.Nameservers, "must not have more than 3 nameservers"))
	}
	for i, server := range config.Nameservers {
		if address, err := netip.ParseAddr(server); err != nil || !address.Is4() {
			errs = append(errs, field.Invalid(path.Child("nameservers").Index(i), server, "must be an IPv4 address: guests have no other"))
		}
	}
	if len(config.Searches) > maxSearches {
		errs = append(errs, field.Invalid(path.Child("searches"), config.Searches, "must not have more than 6 search paths"))
	}
	if len(strings.Join(config.Searches, " ")) > maxSearchLength {
		errs = append(errs, field.Invalid(path.Child("searches"), config.Searches, "must not have more than 256 characters (including spaces) in the search list"))
	}
	for i, domain := range config.Searches {
		for _, message := range validation.IsDNS1123Subdomain(strings.TrimSuffix(domain, ".")) {
			errs = append(errs, field.Invalid(path.Child("searches").Index(i), domain, message))
		}
	}
	return errs
}
