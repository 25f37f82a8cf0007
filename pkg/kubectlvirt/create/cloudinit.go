// SPDX-License-Identifier: Apache-2.0

package create

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// Kinds of seeds.
const (
	noCloud     = "nocloud"
	configDrive = "configdrive"
	noSeed      = "none"
)

// header is all of the user data of a seed that says nothing.
const header = "#cloud-config\n"

// seed is what cloud-init is given.
type seed struct {
	// kind is one of the above, or what the user wrote in its place.
	kind string
	// explicit is of a seed that is wanted, whether or not it says anything.
	explicit bool
	// agent has the guest's agent write users' keys.
	agent bool
}

// need has a seed made of that kind, for a flag that is of no use without.
func (s *seed) need(p *parameters, kind string) error {
	if s.explicit && s.kind != kind {
		return p.wrong("the method needs --cloud-init %s, which is %s here", kind, s.kind)
	}
	s.kind, s.explicit = kind, true
	return nil
}

// cloudConfig is what cloud-init is told of the user.
type cloudConfig struct {
	User     string     `json:"user,omitempty"`
	Password string     `json:"password,omitempty"`
	Chpasswd *chpasswd  `json:"chpasswd,omitempty"`
	Keys     []string   `json:"ssh_authorized_keys,omitempty"`
	Commands [][]string `json:"runcmd,omitempty"`
}

// chpasswd has a password asked for once, or for good.
type chpasswd struct {
	Expire bool `json:"expire"`
}

// addCloudInit adds a seed where there is something to tell, or one is needed.
func (b *builder) addCloudInit() error {
	source := &kubevirtv1.CloudInitSource{UserDataBase64: kubevirtv1.Given(b.UserData), NetworkDataBase64: kubevirtv1.Given(b.NetworkData)}
	for flag, data := range map[string]string{"cloud-init-user-data": b.UserData, "cloud-init-network-data": b.NetworkData} {
		if _, err := base64.StdEncoding.DecodeString(data); err != nil {
			return fmt.Errorf("--%s must be base64: %w", flag, err)
		}
	}
	if b.UserData == "" {
		config, err := b.cloudConfig()
		if err != nil {
			return err
		}
		source.UserData = ptr.To(config)
	}
	volume := kubevirtv1.Volume{Name: "cloudinitdisk"}
	switch b.seed.kind {
	case noCloud:
		volume.CloudInitNoCloud = source
	case configDrive:
		volume.CloudInitConfigDrive = source
	case noSeed:
		return b.refuseLost(source)
	default:
		return fmt.Errorf("--cloud-init must be nocloud, configdrive or none, not %q", b.CloudInit)
	}
	if ptr.Deref(source.UserData, "") == header && ptr.Deref(source.NetworkDataBase64, "") == "" && !b.seed.explicit {
		return nil
	}
	if slices.ContainsFunc(b.spec.Volumes, func(v kubevirtv1.Volume) bool { return v.Name == volume.Name }) {
		return fmt.Errorf("there is a volume %q already, which is the name of cloud-init's; give that one another name", volume.Name)
	}
	b.spec.Volumes = append(b.spec.Volumes, volume)
	return nil
}

// refuseLost warns of what flags say that nothing would tell the guest.
func (b *builder) refuseLost(source *kubevirtv1.CloudInitSource) error {
	if ptr.Deref(source.UserData, "") != header || ptr.Deref(source.NetworkDataBase64, "") != "" {
		_, err := fmt.Fprintln(b.streams.ErrOut, "Warning: --cloud-init is none, so the guest is not told what the other flags say of users and networks")
		return err
	}
	return nil
}

func (b *builder) cloudConfig() (string, error) {
	config := cloudConfig{User: b.User, Keys: b.SSHKeys}
	if b.PasswordFile != "" {
		text, err := os.ReadFile(b.PasswordFile)
		if err != nil {
			return "", fmt.Errorf("--password-file: %w", err)
		}
		config.Password, config.Chpasswd = strings.TrimSpace(string(text)), &chpasswd{}
		if config.Password == "" {
			return "", errors.New("--password-file: the file is empty")
		}
		if _, err := fmt.Fprintln(b.streams.ErrOut, "Warning: --password-file: whoever may read the machine reads the password"); err != nil {
			return "", err
		}
	}
	if b.seed.agent {
		config.Commands = [][]string{{"setsebool", "-P", "virt_qemu_ga_manage_ssh", "on"}}
	}
	text, err := yaml.Marshal(config)
	if err != nil {
		return "", err
	}
	if string(text) == "{}\n" {
		return header, nil
	}
	return header + string(text), nil
}
