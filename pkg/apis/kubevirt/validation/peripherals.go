// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// maxInputs is far more than anybody has hands for.
const maxInputs = 16

var (
	inputBuses      = []kubevirtv1.InputBus{kubevirtv1.InputBusUSB, kubevirtv1.InputBusVirtio}
	inputTypes      = []kubevirtv1.InputType{kubevirtv1.InputTypeTablet}
	watchdogActions = []kubevirtv1.WatchdogAction{
		kubevirtv1.WatchdogActionPoweroff, kubevirtv1.WatchdogActionReset, kubevirtv1.WatchdogActionShutdown,
	}
	soundModels      = []string{"ich9", "ac97"}
	videoTypes       = []string{"vga", "cirrus", "virtio", "ramfb", "bochs"}
	panicModels      = []kubevirtv1.PanicDeviceModel{kubevirtv1.PanicDeviceHyperv, kubevirtv1.PanicDeviceISA}
	ioThreadPolicies = []kubevirtv1.IOThreadsPolicy{kubevirtv1.IOThreadsPolicyShared, kubevirtv1.IOThreadsPolicyAuto}
)

// validatePeripherals looks at the devices that are neither disks nor interfaces.
func validatePeripherals(devices *kubevirtv1.Devices, path *field.Path) field.ErrorList {
	errs := validateInputs(devices.Inputs, path.Child("inputs"))
	errs = append(errs, validateWatchdog(devices.Watchdog, path.Child("watchdog"))...)
	if sound := devices.Sound; sound != nil {
		errs = append(errs, validateDeviceName(sound.Name, path.Child("sound", "name"))...)
		errs = append(errs, among(path.Child("sound", "model"), ptr.Deref(sound.Model, ""), soundModels)...)
	}
	if video := devices.Video; video != nil {
		errs = append(errs, oneOf(path.Child("video", "type"), ptr.Deref(video.Type, ""), videoTypes)...)
		if !ptr.Deref(devices.AutoattachGraphicsDevice, true) {
			errs = append(errs, field.Invalid(path.Child("video"), ptr.Deref(video.Type, ""), "is not allowed where autoattachGraphicsDevice is false"))
		}
	}
	return append(errs, validatePanicDevices(devices.PanicDevices, path.Child("panicDevices"))...)
}

func validateInputs(inputs []kubevirtv1.Input, path *field.Path) field.ErrorList {
	if len(inputs) > maxInputs {
		return field.ErrorList{field.TooMany(path, len(inputs), maxInputs)}
	}
	var errs field.ErrorList
	seen := map[string]bool{}
	for i, input := range inputs {
		path := path.Index(i)
		errs = append(errs, validateDeviceName(input.Name, path.Child("name"))...)
		if seen[input.Name] {
			errs = append(errs, field.Duplicate(path.Child("name"), input.Name))
		}
		seen[input.Name] = true
		errs = append(errs, among(path.Child("bus"), ptr.Deref(input.Bus, ""), inputBuses)...)
		errs = append(errs, among(path.Child("type"), ptr.Deref(input.Type, ""), inputTypes)...)
	}
	return errs
}

func validateWatchdog(watchdog *kubevirtv1.Watchdog, path *field.Path) field.ErrorList {
	if watchdog == nil {
		return nil
	}
	errs := validateDeviceName(watchdog.Name, path.Child("name"))
	if watchdog.I6300ESB == nil {
		return append(errs, field.NotSupported(path, "none", []string{"i6300esb"}))
	}
	return append(errs, oneOf(path.Child("i6300esb", "action"), ptr.Deref(watchdog.I6300ESB.Action, ""), watchdogActions)...)
}

func validatePanicDevices(devices []kubevirtv1.PanicDevice, path *field.Path) field.ErrorList {
	if len(devices) > len(panicModels) {
		return field.ErrorList{field.TooMany(path, len(devices), len(panicModels))}
	}
	var errs field.ErrorList
	seen := map[kubevirtv1.PanicDeviceModel]bool{}
	for i, device := range devices {
		path, model := path.Index(i).Child("model"), ptr.Deref(device.Model, kubevirtv1.PanicDeviceISA)
		errs = append(errs, among(path, model, panicModels)...)
		if seen[model] {
			errs = append(errs, field.Duplicate(path, model))
		}
		seen[model] = true
	}
	return errs
}

// validateDeviceName takes what a part of a device's alias may be.
func validateDeviceName(name string, path *field.Path) field.ErrorList {
	if ifaceNames.MatchString(name) {
		return nil
	}
	return field.ErrorList{field.Invalid(path, name, "must be 1 to 63 letters, digits, - and _")}
}

// among is oneOf where upstream has the cause FieldValueInvalid.
func among[T ~string](path *field.Path, value T, supported []T) field.ErrorList {
	errs := oneOf(path, value, supported)
	for _, err := range errs {
		err.Type = field.ErrorTypeInvalid
	}
	return errs
}
