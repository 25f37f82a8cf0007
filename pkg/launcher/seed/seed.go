// SPDX-License-Identifier: Apache-2.0

package seed

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// MaxBytes is the most that user data, and the most that network data, may have: no Secret holds more.
const MaxBytes = 1 << 20

// The labels by which cloud-init finds a seed.
const (
	LabelNoCloud     = "cidata"
	LabelConfigDrive = "config-2"
)

// Meta is what a seed says of the guest itself.
type Meta struct {
	// UUID of the guest's firmware. It is the instance ID too: cloud-init does its once-per-instance work
	// again when that changes.
	UUID string
	// Namespace and Name of the instance.
	Namespace, Name string
	Hostname        string
}

// Data is what the user gave.
type Data struct {
	UserData    []byte
	NetworkData []byte
	// PublicKeys are SSH keys, one each, of the guest's first user.
	PublicKeys []string
}

// Image is the content of a seed: a label and files, by path.
type Image struct {
	Label string
	Files map[string][]byte
}

// NoCloud lays a seed out for cloud-init's NoCloud source.
func NoCloud(meta Meta, data Data) (*Image, error) {
	if err := data.check(); err != nil {
		return nil, err
	}
	metaData, err := json.Marshal(struct {
		InstanceID string            `json:"instance-id"`
		Hostname   string            `json:"local-hostname"`
		PublicKeys map[string]string `json:"public-keys,omitempty"`
	}{meta.UUID, meta.Hostname, numbered(data.PublicKeys)})
	if err != nil {
		return nil, err
	}
	image := &Image{Label: LabelNoCloud, Files: map[string][]byte{
		"user-data": data.UserData, // must exist, even empty
		"meta-data": metaData,
	}}
	if len(data.NetworkData) > 0 {
		image.Files["network-config"] = data.NetworkData
	}
	return image, nil
}

// ConfigDrive lays a seed out for cloud-init's ConfigDrive source, as OpenStack does.
func ConfigDrive(meta Meta, data Data) (*Image, error) {
	if err := data.check(); err != nil {
		return nil, err
	}
	metaData, err := json.Marshal(struct {
		Hostname   string            `json:"hostname"`
		InstanceID string            `json:"instance_id"`
		PublicKeys map[string]string `json:"public_keys,omitempty"`
		UUID       string            `json:"uuid"`
	}{meta.Hostname, meta.Name + "." + meta.Namespace, numbered(data.PublicKeys), meta.UUID})
	if err != nil {
		return nil, err
	}
	image := &Image{Label: LabelConfigDrive, Files: map[string][]byte{
		"openstack/latest/meta_data.json": metaData,
		"openstack/latest/user_data":      data.UserData,
	}}
	if len(data.NetworkData) > 0 {
		image.Files["openstack/latest/network_data.json"] = data.NetworkData
	}
	return image, nil
}

// numbered gives keys the names that both layouts want.
func numbered(keys []string) map[string]string {
	named := make(map[string]string, len(keys))
	for i, key := range keys {
		named[strconv.Itoa(i)] = key
	}
	return named
}

func (d Data) check() error {
	if len(d.UserData) > MaxBytes {
		return fmt.Errorf("user data: %d bytes, the most is %d", len(d.UserData), MaxBytes)
	}
	size := 0
	for _, key := range d.PublicKeys {
		size += len(key)
	}
	if size > MaxBytes {
		return fmt.Errorf("SSH keys: %d bytes, the most is %d", size, MaxBytes)
	}
	if len(d.NetworkData) > MaxBytes {
		return fmt.Errorf("network data: %d bytes, the most is %d", len(d.NetworkData), MaxBytes)
	}
	return nil
}
