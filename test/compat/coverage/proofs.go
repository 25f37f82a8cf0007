// SPDX-License-Identifier: Apache-2.0

package coverage

// proof is a test that sees what the fields of an area do: in a guest that runs, in what it is given, or in a QEMU that
// takes them. A type that holds a field proves nothing.
type proof struct {
	// file of the test, seen from the root of the tree, and its name.
	file, test string
	// fields is the file that has the area's field in it; the test's own where it is empty.
	fields string
}

const (
	computeTest  = "test/e2e/compute_test.go"
	hardwareTest = "test/e2e/hardware_test.go"
	networkTest  = "test/e2e/network_test.go"
	volumesTest  = "test/e2e/volumes_test.go"
)

// proofs are those of the areas of an instance's spec, by path.
func proofs() map[string]proof {
	compute := proof{file: computeTest, test: "TestGuestHasWhatItsSpecNamesAndTakesMoreWhileItRuns"}
	hardware := proof{file: hardwareTest, test: "TestMachineHasTheHardwareThatItsSpecNames"}
	network := proof{file: networkTest, test: "TestGuestsHaveANetwork"}
	networks := proof{file: networkTest, test: "TestGuestsAreOnSeveralNetworks"}
	volumes := proof{file: volumesTest, test: "TestMachineWithAVolumeOfEachKindReadsAndWritesThem"}
	golden := proof{
		file: "cmd/virt-launcher/hardware_spec_test.go", test: "TestHardwareOfTheGoldenDomainsStarts",
		fields: "pkg/launcher/domain/testdata/peripherals.yaml",
	}
	probes := proof{file: "pkg/node/health_test.go", test: "TestAGuestThatIsNotAliveIsEnded"}
	return map[string]proof{
		"spec":                                 hardware,
		"spec.accessCredentials":               hardware,
		"spec.dnsConfig":                       {file: "pkg/standalone/network/network_test.go", test: "TestDNSPolicyAndConfigAreTold"},
		"spec.domain":                          compute,
		"spec.domain.chassis":                  compute,
		"spec.domain.clock":                    compute,
		"spec.domain.cpu":                      compute,
		"spec.domain.devices":                  compute,
		"spec.domain.devices.disks":            hardware,
		"spec.domain.devices.inputs":           golden,
		"spec.domain.devices.interfaces":       networks,
		"spec.domain.devices.panicDevices":     golden,
		"spec.domain.devices.sound":            compute,
		"spec.domain.devices.tpm":              compute,
		"spec.domain.devices.video":            compute,
		"spec.domain.devices.watchdog":         compute,
		"spec.domain.features":                 compute,
		"spec.domain.firmware":                 compute,
		"spec.domain.memory":                   compute,
		"spec.domain.resources":                {file: "test/e2e/instancetype_test.go", test: "TestMachineHasTheSizeOfItsInstancetype"},
		"spec.livenessProbe":                   probes,
		"spec.networks":                        networks,
		"spec.readinessProbe":                  network,
		"spec.volumes":                         volumes,
		"spec.volumes[].cloudInitConfigDrive":  hardware,
		"spec.volumes[].cloudInitNoCloud":      hardware,
		"spec.volumes[].configMap":             volumes,
		"spec.volumes[].containerDisk":         volumes,
		"spec.volumes[].dataVolume":            hardware,
		"spec.volumes[].downwardAPI":           volumes,
		"spec.volumes[].emptyDisk":             volumes,
		"spec.volumes[].ephemeral":             volumes,
		"spec.volumes[].hostDisk":              volumes,
		"spec.volumes[].persistentVolumeClaim": volumes,
		"spec.volumes[].secret":                volumes,
		"spec.volumes[].sysprep":               volumes,
	}
}

// placement is an area that decides where a guest runs, and not what it is.
const placement = "spec.tolerations"

// Proven says whether there is such a test of an area; it is true of those that change no guest.
func (a *Area) Proven() bool {
	if a.Kind != "VirtualMachineInstance" || !leadsTo("spec", a.Path) || a.Path == placement {
		return true
	}
	_, proven := proofs()[a.Path]
	return proven
}
