# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # dir and root are hack/cluster's

# install_artifacts registers virt-apiserver as on any cluster, but for where it
# is: a process of this machine, behind a Service that only names the host.
install_artifacts() {
	say "registering virt-apiserver"
	mkdir "$dir/install"
	cat >"$dir/install/kustomization.yaml" <<-OVERLAY
		apiVersion: kustomize.config.k8s.io/v1beta1
		kind: Kustomization
		resources:
		- $(realpath --relative-to "$dir/install" "$root/artifacts/cluster")
		patches:
		- target: {kind: APIService}
		  patch: |-
		    - {op: add, path: /spec/caBundle, value: $(base64 -w0 "$dir/pki/serving-ca.crt")}
		    - {op: replace, path: /spec/service/port, value: $virt_port}
		- target: {kind: Service}
		  patch: |-
		    - {op: replace, path: /spec, value: {type: ExternalName, externalName: localhost}}
	OVERLAY
	kubectl apply -k "$dir/install" >"$dir/log/install.log" 2>&1 || {
		cat "$dir/log/install.log" >&2
		fail "the manifests in artifacts/cluster were refused"
	}
}

await_apiservices() {
	say "waiting until kube-apiserver finds virt-apiserver"
	kubectl wait --for=condition=Available --timeout=60s apiservice \
		-l app.kubernetes.io/name=virt-apiserver >"$dir/log/install.log" 2>&1 || {
		cat "$dir/log/install.log" >&2
		kubectl get apiservice -l app.kubernetes.io/name=virt-apiserver >&2
		give_up virt-apiserver "kube-apiserver does not find virt-apiserver"
	}
}
