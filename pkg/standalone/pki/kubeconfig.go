// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

const (
	clusterName = "virt-apiserver"
	adminUser   = "kubernetes-admin"
)

// writeKubeconfig leaves the file alone while it gives access to this server: its owner may have chosen
// another namespace in it, or added clusters.
func writeKubeconfig(cfg Config, ca, admin []byte) error {
	root, err := os.OpenRoot(filepath.Dir(cfg.Kubeconfig))
	if err != nil {
		return fmt.Errorf("kubeconfig: %w", err)
	}
	defer root.Close()
	name := filepath.Base(cfg.Kubeconfig)
	stored, err := root.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("kubeconfig: %w", err)
	}
	if givesAccess(stored, cfg.ServerURL, ca, admin) {
		return nil
	}
	content, err := clientcmd.Write(kubeconfig(cfg.ServerURL, ca, admin))
	if err != nil {
		return fmt.Errorf("encode the kubeconfig: %w", err)
	}
	return writeFile(root, name, content)
}

func kubeconfig(serverURL string, ca, admin []byte) clientcmdapi.Config {
	config := clientcmdapi.NewConfig()
	config.Clusters[clusterName] = &clientcmdapi.Cluster{Server: serverURL, CertificateAuthorityData: ca}
	cert, key := split(admin)
	config.AuthInfos[adminUser] = &clientcmdapi.AuthInfo{ClientCertificateData: cert, ClientKeyData: key}
	config.Contexts[clusterName] = &clientcmdapi.Context{Cluster: clusterName, AuthInfo: adminUser, Namespace: "default"}
	config.CurrentContext = clusterName
	return *config
}

func givesAccess(stored []byte, serverURL string, ca, admin []byte) bool {
	config, err := clientcmd.Load(stored)
	if err != nil {
		return false
	}
	cert, key := split(admin)
	cluster, user, context := config.Clusters[clusterName], config.AuthInfos[adminUser], config.Contexts[clusterName]
	return cluster != nil && user != nil && context != nil &&
		cluster.Server == serverURL &&
		bytes.Equal(cluster.CertificateAuthorityData, ca) &&
		bytes.Equal(user.ClientCertificateData, cert) &&
		bytes.Equal(user.ClientKeyData, key) &&
		context.Cluster == clusterName && context.AuthInfo == adminUser
}

// split parts a certificate, which comes first, from its key.
func split(leaf []byte) (cert, key []byte) {
	_, key = pem.Decode(leaf)
	return leaf[:len(leaf)-len(key)], key
}
