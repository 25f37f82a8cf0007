// SPDX-License-Identifier: Apache-2.0

package create

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"

	"sigs.k8s.io/yaml"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// cloudConfig is what cloud-init is told of the user.
type cloudConfig struct {
	User     string    `json:"user,omitempty"`
	Password string    `json:"password,omitempty"`
	Chpasswd *chpasswd `json:"chpasswd,omitempty"`
	Keys     []string  `json:"ssh_authorized_keys,omitempty"`
}

// chpasswd has a password asked for once, or for good.
type chpasswd struct {
	Expire bool `json:"expire"`
}

// addCloudInit adds a seed where there is something to tell, or one is needed.
func (o *Options) addCloudInit(spec *kubevirtv1.VirtualMachineInstanceSpec, needed bool) error {
	source := &kubevirtv1.CloudInitSource{UserDataBase64: o.UserData}
	switch {
	case o.UserData != "":
		if _, err := base64.StdEncoding.DecodeString(o.UserData); err != nil {
			return fmt.Errorf("--cloud-init-user-data must be base64: %w", err)
		}
	case o.User != "" || o.PasswordFile != "" || len(o.SSHKeys) > 0:
		config, err := o.cloudConfig()
		if err != nil {
			return err
		}
		source.UserData = config
	case needed:
		source.UserData = "#cloud-config\n"
	default:
		return nil
	}
	spec.Volumes = append(spec.Volumes, kubevirtv1.Volume{Name: "cloudinit", VolumeSource: kubevirtv1.VolumeSource{CloudInitNoCloud: source}})
	disk := kubevirtv1.Disk{Name: "cloudinit"}
	disk.Disk = &kubevirtv1.DiskTarget{Bus: kubevirtv1.DiskBusVirtio}
	spec.Domain.Devices.Disks = append(spec.Domain.Devices.Disks, disk)
	return nil
}

func (o *Options) cloudConfig() (string, error) {
	config := cloudConfig{User: o.User, Keys: o.SSHKeys}
	if o.PasswordFile != "" {
		text, err := os.ReadFile(o.PasswordFile)
		if err != nil {
			return "", fmt.Errorf("--password-file: %w", err)
		}
		config.Password, config.Chpasswd = strings.TrimSpace(string(text)), &chpasswd{}
		if config.Password == "" {
			return "", errors.New("--password-file: the file is empty")
		}
	}
	text, err := yaml.Marshal(config)
	return "#cloud-config\n" + string(text), err
}
