// SPDX-License-Identifier: Apache-2.0

package compat

// Commands that need more than the machine that they are about.

func checkMemoryDump(c *check) {
	c.virtctl([]string{"memory-dump", "get", "web", "--claim-name=dump", "--create-claim"}, "Successfully submitted memory dump request of VM web")
	c.virtctl([]string{"memory-dump", "remove", "web"}, "Successfully submitted remove memory dump association of VM web")
}

func checkUSBRedirection(c *check) {
	c.start("usbredir", "--no-launch", "web").interrupt()
}

func checkExport(c *check) {
	c.virtctl([]string{"vmexport", "create", "copy", "--vm=web"}, "VirtualMachineExport")
	c.virtctl([]string{"vmexport", "delete", "copy"})
}

func checkObjectGraph(c *check) { c.virtctl([]string{"objectgraph", "web"}, "web-root") }

func checkExpose(c *check) {
	c.virtctl([]string{"expose", "vmi", "web", "--name=web", "--port=22"}, "Service web successfully created for vmi web")
}

func checkMigrate(c *check) {
	c.virtctl([]string{"migrate", "web", "--dry-run"}, "VM web was scheduled to migrate")
}

func checkMigrateCancel(c *check) {
	c.refused([]string{"migrate-cancel", "web"}, "Found no migration to cancel for web")
}

func checkEvacuateCancel(c *check) {
	c.virtctl([]string{"evacuate-cancel", "vm", "web"}, "was canceled evacuation")
}
