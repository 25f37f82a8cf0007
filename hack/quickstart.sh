#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0

# From a bare machine to a virtual machine that answers on its console.
#
#   hack/quickstart.sh up      install what is missing, build, start the server, run the example
#   hack/quickstart.sh down    remove all that up made
#
# It may be run again at any time. These may be set:
#   IMAGE_URL   image to import instead of the small one that is made here
#   DATA_DIR    where the server keeps everything (/var/lib/virt-apiserver-quickstart)
#   PORT        where the server listens (6443)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=hack/lib.sh
. hack/lib.sh

data_dir=${DATA_DIR:-/var/lib/virt-apiserver-quickstart}
port=${PORT:-6443}
run_dir=$data_dir/quickstart
example=artifacts/examples/quickstart.yaml
export KUBECONFIG=$data_dir/kubeconfig

step() { printf '\n\033[1m==> %s\033[0m\n' "$*"; }

# alive FILE: whether the process whose id FILE holds runs.
alive() { [[ -s $1 ]] && kill -0 "$(<"$1")" 2>/dev/null; }

# background NAME COMMAND...: starts COMMAND, which outlives this script.
background() {
	local name=$1
	shift
	alive "$run_dir/$name.pid" && return 0
	setsid "$@" >>"$run_dir/$name.log" 2>&1 </dev/null &
	echo $! >"$run_dir/$name.pid"
}

# stop NAME: ends what background started, and waits until it is gone.
stop() {
	local file=$run_dir/$1.pid pid
	alive "$file" || { rm -f "$file"; return 0; }
	pid=$(<"$file")
	kill "$pid"
	timeout 60 tail --pid="$pid" -f /dev/null || kill -9 "$pid"
	rm -f "$file"
}

await() { # SECONDS WHAT COMMAND...
	local seconds=$1 what=$2
	shift 2
	local end=$((SECONDS + seconds))
	until "$@" >/dev/null 2>&1; do
		((SECONDS < end)) || return 1
		alive "$run_dir/server.pid" || die "the server ended while waiting for $what; its log: $run_dir/server.log"
		sleep 0.5
	done
}

# start_server NETWORK: the guest network to ask for.
start_server() {
	mkdir -p "$run_dir"
	background server bin/virt-apiserver standalone --data-dir "$data_dir" --bind-address 127.0.0.1 --secure-port "$port" --guest-network "$1" \
		--import-allow-cidr 127.0.0.0/8 # where the example's image is
	await 120 "the server" "$kubectl" get --raw /readyz || {
		tail -n 5 "$run_dir/server.log" >&2
		die "the server is not ready; its log: $run_dir/server.log"
	}
}

# connect_guests starts the server with the network that guests are to have, and with the one without rights where this
# machine can't have that. The choice is kept for the next run.
connect_guests() {
	local chosen=$run_dir/network
	mkdir -p "$run_dir"
	[[ -s $chosen ]] || echo bridge >"$chosen"
	network=$(<"$chosen")
	start_server "$network"
	if [[ $network == bridge ]] && grep -q 'There is no guest network' "$run_dir/server.log"; then
		network=user
		echo "$network" >"$chosen"
		stop server
		start_server "$network"
	fi
	[[ $network == bridge ]] || cat <<-TOLD
		  This machine can't have the network that connects guests; $run_dir/server.log says why. The server was
		  started with --guest-network=user: the guest runs and has its console, but reaches nobody, nor does ssh reach it.
	TOLD
}

# image_url prints where the example's disk comes from.
image_url() {
	if [[ -n ${IMAGE_URL:-} ]]; then
		echo "$IMAGE_URL"
		return
	fi
	local image=$cache/quickstart/guest.qcow2
	if ! alive "$run_dir/image.pid"; then
		mkdir -p "${image%/*}"
		hack/guest-image.sh "$image" >&2
		rm -f "$run_dir/image.url"
		background image bin/fileserver --url-file "$run_dir/image.url" "$image"
	fi
	local end=$((SECONDS + 20))
	until [[ -s $run_dir/image.url ]]; do
		((SECONDS < end)) || die "the image is not served; see $run_dir/image.log"
		sleep 0.1
	done
	cat "$run_dir/image.url"
}

# follow_import draws how far the disk is; on a terminal in one line, elsewhere a line for each change.
follow_import() {
	local phase='' progress='' shown='' width filled bar
	while [[ $phase != Succeeded ]]; do
		read -r phase progress < <("$kubectl" get dv hello-root -o jsonpath='{.status.phase} {.status.progress}{"\n"}' 2>/dev/null || echo)
		if [[ $phase == Failed ]]; then
			"$kubectl" get dv hello-root -o jsonpath='{range .status.conditions[*]}{.type}: {.reason}: {.message}{"\n"}{end}' >&2
			die "the import failed; look at: kubectl describe dv hello-root"
		fi
		if [[ "$phase $progress" != "$shown" ]]; then
			shown="$phase $progress"
			if [[ -t 1 ]]; then
				width=40 filled=0
				[[ $progress == *% ]] && filled=$((${progress%%.*} * width / 100))
				printf -v bar '%*s' "$filled" ''
				printf '\r  %-18s [%-*s] %-8s' "$phase" "$width" "${bar// /=}" "$progress"
			else
				echo "  $shown"
			fi
		fi
		sleep 0.3
	done
	[[ ! -t 1 ]] || echo
}

# converse logs in through the console as a person would and shows what the guest says of itself.
converse() {
	local guest_out guest_in
	coproc guest { bin/kubectl-virt console hello --timeout 5 2>>"$run_dir/console.log"; }
	guest_out=${guest[0]} guest_in=${guest[1]}
	# shellcheck disable=SC2016 # the guest's shell expands it
	local question='echo "I am $(hostname), up $(cut -d. -f1 /proc/uptime) s"; uname -sr' result=0
	{
		expect_text 300 'login: ' '\r' && say_to guest &&
			expect_text 30 'assword: ' '' && say_to hello &&
			expect_text 60 '[$#] ' '' && say_to "$question" &&
			expect_text 60 'Linux [0-9][^ ]*'$'\r' '' && say_to exit
	} || result=1
	exec {guest_in}>&-
	wait "${guest_PID:-}" 2>/dev/null || true
	return $result
}

say_to() { printf '%s\r' "$1" >&"$guest_in"; }

# expect_text SECONDS PATTERN NUDGE: shows what the guest writes until it matches; NUDGE wakes a silent console.
expect_text() {
	local end=$((SECONDS + $1)) seen='' char
	while ((SECONDS < end)); do
		if IFS= read -r -N 1 -t 5 -u "$guest_out" char; then
			seen+=$char
			printf '%s' "$char"
			[[ $seen =~ $2 ]] && return 0
			((${#seen} <= 400)) || seen=${seen: -200}
		elif [[ -n $3 ]]; then
			# shellcheck disable=SC2059 # the nudge is a format
			printf "$3" >&"$guest_in"
		fi
	done
	return 1
}

up() {
	step "Installing what is missing"
	hack/install-deps.sh build run test
	step "Building"
	make --no-print-directory build
	go build -o bin/ ./hack/fileserver ./hack/unnet
	kubectl=$(hack/tools.sh kubectl)
	as_root mkdir -p "$data_dir"
	step "Starting libvirt"
	hack/libvirt.sh
	step "Starting virt-apiserver"
	connect_guests
	echo "  serving on https://127.0.0.1:$port, kubeconfig $KUBECONFIG"
	step "Importing an image over HTTP into a new machine"
	local url
	url=$(image_url)
	echo "  $url"
	if ! "$kubectl" get vm hello >/dev/null 2>&1; then
		sed "s|IMAGE_URL|$url|" "$example" | "$kubectl" apply -f -
	fi
	await 30 "the disk" "$kubectl" get dv hello-root
	follow_import
	step "Waiting until it runs"
	"$kubectl" wait vm/hello --for=condition=Ready --timeout=180s
	"$kubectl" get vms,dvs
	if [[ -z ${IMAGE_URL:-} ]]; then
		step "Logging in through the console"
		converse || die "the guest did not answer on its console; look at: bin/kubectl-virt console hello"
		echo
	fi
	local ssh="kubectl virt ssh guest@vm/hello       # the same, over its network"
	[[ $network == bridge ]] || ssh="kubectl virt vnc hello                # its screen"
	step "Done. Try next:"
	cat <<-NEXT
		  export KUBECONFIG=$KUBECONFIG PATH=$PWD/bin:${kubectl%/*}:\$PATH
		  kubectl get vms,vmis,dvs -o wide
		  kubectl virt console hello            # guest / hello; Ctrl-] leaves
		  $ssh
		  kubectl virt restart hello
		  make quickstart-down                  # removes all of it
	NEXT
}

down() {
	local kubectl
	if [[ ! -d $data_dir ]]; then
		echo "nothing to remove: there is no $data_dir"
		return
	fi
	if alive "$run_dir/server.pid"; then
		kubectl=$(hack/tools.sh kubectl)
		step "Deleting the machines"
		"$kubectl" delete vms,vmis,dvs --all --all-namespaces --timeout=120s || say "not all machines could be deleted; going on"
		stop server
	fi
	if [[ -d $run_dir ]]; then stop image; fi
	# It outlives the server, so that guests can be found again.
	as_root pkill -f -- "virt-launcher .*--state-dir=$data_dir/launcher " || true
	# A server that ended in good order has removed its guest network and its sockets itself.
	[[ ! -x bin/unnet ]] || as_root bin/unnet "$data_dir" || say "not all that the server left could be removed; going on"
	step "Removing $data_dir"
	as_root rm -rf "$data_dir"
}

case ${1:-} in
up) up ;;
down) down ;;
*)
	usage >&2
	exit 2
	;;
esac
