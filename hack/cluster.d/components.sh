# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # dir and root are hack/cluster's

# The parts of a control plane and the flags of each.

# prepare settles what the parts must agree on: keys, ports, kubeconfigs.
prepare() {
	local socket=$dir/etcd-peer.sock
	((${#socket} < 108)) || fail "$dir is too long for the path of a socket; choose a shorter --dir"
	server=${VIRT_APISERVER:-$dir/bin/virt-apiserver}
	[[ ${VIRT_APISERVER:-} ]] || (cd "$root" && go build -o "$server" ./cmd/virt-apiserver)
	(cd "$root" && go run ./hack/pki "$dir/pki")
	local port
	port=$(free_ports 4)
	kube_port=$port manager_port=$((port + 1)) virt_port=$((port + 2)) node_port=$((port + 3))
	cat >"$dir/cluster.env" <<-ENV
		KUBE_APISERVER=https://127.0.0.1:$kube_port
		VIRT_APISERVER=https://127.0.0.1:$virt_port
		NODE_PORT=$node_port
		PKI=$dir/pki
		KUBECTL=$dir/bin/kubectl
	ENV
	kubeconfig admin "$dir/kubeconfig"
	kubeconfig kube-controller-manager "$dir/pki/kube-controller-manager.kubeconfig"
	kubeconfig virt-apiserver-client "$dir/pki/virt-apiserver.kubeconfig"
}

# free_ports prints the first of COUNT ports in a row that nobody listens on.
# They lie below those that the kernel gives to outgoing connections.
free_ports() { # COUNT
	local first port
	while true; do
		first=$((20000 + RANDOM % 12000))
		for ((port = first; port < first + $1; port++)); do
			# Connecting succeeds where somebody listens: try elsewhere.
			if (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then continue 2; fi
		done
		echo "$first"
		return
	done
}

kubeconfig() { # CERTIFICATE FILE
	(umask 077 && cat >"$2") <<-CONFIG
		apiVersion: v1
		kind: Config
		clusters:
		- name: cluster
		  cluster:
		    server: https://127.0.0.1:$kube_port
		    certificate-authority-data: $(base64 -w0 "$dir/pki/cluster-ca.crt")
		users:
		- name: $1
		  user:
		    client-certificate-data: $(base64 -w0 "$dir/pki/$1.crt")
		    client-key-data: $(base64 -w0 "$dir/pki/$1.key")
		contexts:
		- name: $1
		  context:
		    cluster: cluster
		    user: $1
		current-context: $1
	CONFIG
}

kubectl() { "$dir/bin/kubectl" --kubeconfig "$dir/kubeconfig" "$@"; }

start_etcd() {
	start etcd "$dir/bin/etcd" \
		--data-dir="$dir/etcd" \
		--listen-client-urls="unix://$dir/etcd.sock" \
		--advertise-client-urls="unix://$dir/etcd.sock" \
		--listen-peer-urls="unix://$dir/etcd-peer.sock" \
		--initial-advertise-peer-urls="unix://$dir/etcd-peer.sock" \
		--initial-cluster="default=unix://$dir/etcd-peer.sock" \
		--logger=zap --log-level=warn
	await etcd 30 test -S "$dir/etcd.sock"
}

start_kube_apiserver() {
	# It refuses to advertise loopback, where it listens; the address given is
	# one that exists nowhere, and nothing here goes by it.
	start kube-apiserver "$dir/bin/kube-apiserver" \
		--bind-address=127.0.0.1 \
		--secure-port="$kube_port" \
		--advertise-address=192.0.2.1 \
		--etcd-servers="unix://$dir/etcd.sock" \
		--tls-cert-file="$dir/pki/kube-apiserver.crt" \
		--tls-private-key-file="$dir/pki/kube-apiserver.key" \
		--client-ca-file="$dir/pki/cluster-ca.crt" \
		--authorization-mode=RBAC \
		--service-cluster-ip-range=10.96.0.0/16 \
		--service-account-issuer=https://kubernetes.default.svc \
		--service-account-key-file="$dir/pki/service-account.pub" \
		--service-account-signing-key-file="$dir/pki/service-account.key" \
		--requestheader-client-ca-file="$dir/pki/aggregation-ca.crt" \
		--requestheader-allowed-names=front-proxy-client \
		--requestheader-username-headers=X-Remote-User \
		--requestheader-group-headers=X-Remote-Group \
		--requestheader-extra-headers-prefix=X-Remote-Extra- \
		--proxy-client-cert-file="$dir/pki/front-proxy.crt" \
		--proxy-client-key-file="$dir/pki/front-proxy.key"
	await kube-apiserver 60 kubectl get --raw /readyz
}

start_kube_controller_manager() {
	start kube-controller-manager "$dir/bin/kube-controller-manager" \
		--kubeconfig="$dir/pki/kube-controller-manager.kubeconfig" \
		--authentication-kubeconfig="$dir/pki/kube-controller-manager.kubeconfig" \
		--authorization-kubeconfig="$dir/pki/kube-controller-manager.kubeconfig" \
		--bind-address=127.0.0.1 \
		--secure-port="$manager_port" \
		--tls-cert-file="$dir/pki/kube-apiserver.crt" \
		--tls-private-key-file="$dir/pki/kube-apiserver.key" \
		--leader-elect=false \
		--use-service-account-credentials \
		--root-ca-file="$dir/pki/cluster-ca.crt" \
		--service-account-private-key-file="$dir/pki/service-account.key"
	await kube-controller-manager 60 kubectl --server="https://127.0.0.1:$manager_port" get --raw /healthz
}

start_virt_apiserver() {
	start virt-apiserver "$server" \
		--bind-address=127.0.0.1 \
		--secure-port="$virt_port" \
		--tls-cert-file="$dir/pki/virt-apiserver.crt" \
		--tls-private-key-file="$dir/pki/virt-apiserver.key" \
		--etcd-servers="unix://$dir/etcd.sock" \
		--kubeconfig="$dir/pki/virt-apiserver.kubeconfig" \
		--authentication-kubeconfig="$dir/pki/virt-apiserver.kubeconfig" \
		--authorization-kubeconfig="$dir/pki/virt-apiserver.kubeconfig" \
		--node-client-certificate="$dir/pki/node-client.crt" \
		--node-client-key="$dir/pki/node-client.key" \
		--node-certificate-authority="$dir/pki/node-ca.crt" \
		--node-port="$node_port"
	await virt-apiserver 60 kubectl --server="https://127.0.0.1:$virt_port" \
		--certificate-authority="$dir/pki/serving-ca.crt" get --raw /readyz
}
