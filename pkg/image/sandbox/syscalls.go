// SPDX-License-Identifier: Apache-2.0

package sandbox

import seccomp "github.com/elastic/go-seccomp-bpf"

// filter refuses system calls that a program which reads, decodes and writes never makes. Those of Go's runtime change
// with its versions, so that a list of what is allowed would break with one.
func filter() seccomp.Filter {
	return seccomp.Filter{
		NoNewPrivs: true,
		Flag:       seccomp.FilterFlagTSync,
		Policy: seccomp.Policy{
			DefaultAction: seccomp.ActionAllow,
			Syscalls:      []seccomp.SyscallGroup{{Action: seccomp.ActionErrno, Names: refused()}},
		},
	}
}

func refused() []string {
	return []string{
		// Other programs and processes.
		"execve", "execveat", "fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd",
		// Namespaces, mounts and roots.
		"unshare", "setns", "mount", "umount2", "pivot_root", "chroot", "mount_setattr", "move_mount", "open_tree",
		"fsopen", "fsconfig", "fsmount", "fspick", "name_to_handle_at", "open_by_handle_at",
		// Other users.
		"setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "setfsuid", "setfsgid", "capset",
		// Parts of the kernel with much code and a long history of faults.
		"bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register",
		"keyctl", "add_key", "request_key", "fanotify_init", "quotactl", "lookup_dcookie", "modify_ldt", "personality",
		"vmsplice", "memfd_secret",
		// The machine.
		"init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff",
		"settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "sethostname", "setdomainname", "syslog", "acct",
		"iopl", "ioperm", "mknod", "mknodat",
	}
}
