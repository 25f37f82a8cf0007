# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # dir and components are hack/cluster's

# The processes of one cluster: started, waited for, found again and ended by
# the ids that were recorded in $dir/run.

say() { echo "cluster: $*" >&2; }

fail() {
	say "$@"
	exit 1
}

start() { # COMPONENT PROGRAM ARGUMENT...
	local component=$1
	shift
	say "starting $component"
	setsid "$@" >"$dir/log/$component.log" 2>&1 </dev/null 9>&- &
	echo $! >"$dir/run/$component.pid"
}

# An id may have passed to another process since it was recorded. Ours have the
# cluster's directory among their arguments.
running() { # COMPONENT
	local pid
	pid=$(cat "$dir/run/$1.pid" 2>/dev/null) || return 1
	grep -qF -- "$dir/" "/proc/$pid/cmdline" 2>/dev/null
}

await() { # COMPONENT SECONDS COMMAND...
	local component=$1 deadline=$((SECONDS + $2)) output
	shift 2
	until output=$("$@" 2>&1); do
		kill -0 "$(<"$dir/run/$component.pid")" 2>/dev/null || give_up "$component" "$component ended"
		((SECONDS < deadline)) || give_up "$component" "$component is not ready in time: $output"
		sleep 0.2
	done
}

give_up() { # COMPONENT MESSAGE
	say "$2; the end of its log:"
	tail -n 25 "$dir/log/$1.log" >&2
	exit 1
}

stop_all() { # the last started first: each can say goodbye to those below it
	local i
	for ((i = ${#components[@]} - 1; i >= 0; i--)); do
		stop "${components[i]}"
	done
}

stop() { # COMPONENT
	local deadline=$((SECONDS + 15)) signal=TERM
	while running "$1"; do
		kill -"$signal" "$(<"$dir/run/$1.pid")" 2>/dev/null || true
		((SECONDS < deadline)) || signal=KILL
		sleep 0.1
	done
}
