// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"
)

const libvirtURI = "qemu:///system"

// twins makes domains that differ from that of a machine in name, UUIDs, owner and paths alone.
type twins struct {
	dir  string
	name string
	xml  string
	// What in the XML is the machine's own.
	uid, uuid, owner string
}

// twin is one of them.
type twin struct{ name, file, scratch string }

var (
	domainUUID = regexp.MustCompile(`<uuid>([-0-9a-f]+)</uuid>`)
	ownerMark  = regexp.MustCompile(` owner="([^"]+)"`)
	uidMark    = regexp.MustCompile(` uid="([^"]+)"`)
)

// newTwins takes the domain of the machine that runs already as the pattern.
func newTwins(ctx context.Context, f *fleet) (*twins, error) {
	t := &twins{dir: f.path("twins"), name: f.namespace + "_" + warm}
	// Beside the server's own files, so that both use one file system.
	if err := os.Mkdir(t.dir, 0o711); err != nil {
		return nil, err
	}
	raw, _, err := virsh(ctx, "dumpxml", "--inactive", t.name)
	if err != nil {
		return nil, err
	}
	t.xml = string(raw)
	for mark, value := range map[*regexp.Regexp]*string{domainUUID: &t.uuid, ownerMark: &t.owner, uidMark: &t.uid} {
		found := mark.FindStringSubmatch(t.xml)
		if found == nil {
			return nil, fmt.Errorf("the domain %s has nothing like %s", t.name, mark)
		}
		*value = found[1]
	}
	// Its disk and its console's log are in one directory, its socket in another.
	for _, place := range []string{f.path("data", "launcher", "domains"), filepath.Join(f.runtime, "guests")} {
		if !strings.Contains(t.xml, place) {
			return nil, fmt.Errorf("the domain %s has no file in %s", t.name, place)
		}
		t.xml = strings.ReplaceAll(t.xml, place, t.dir)
	}
	return t, nil
}

// accelerator is kvm, or qemu where QEMU emulates.
func (t *twins) accelerator() string {
	if strings.Contains(t.xml, "<domain type='kvm'") {
		return "kvm"
	}
	return "tcg"
}

// next writes the XML of a new twin and makes the file of its disk.
func (t *twins) next() (*twin, error) {
	uid, name := uuid.NewString(), t.name+"-"+randomName()
	text := strings.NewReplacer(
		t.uid, uid, t.uuid, uuid.NewString(), `owner="`+t.owner, `owner="`+"bench", "<name>"+t.name, "<name>"+name,
	).Replace(t.xml)
	own := filepath.Join(t.dir, uid)
	if err := os.Mkdir(own, 0o711); err != nil {
		return nil, err
	}
	w := &twin{name: name, file: filepath.Join(own, "domain.xml"), scratch: filepath.Join(own, "scratch.img")}
	if err := os.WriteFile(w.file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(w.scratch, nil, 0o600); err != nil {
		return nil, err
	}
	return w, os.Truncate(w.scratch, 1<<20)
}

// virsh runs a command of libvirt's own client and returns what it says and the time it took of a processor.
func virsh(ctx context.Context, arguments ...string) ([]byte, time.Duration, error) {
	command := exec.CommandContext(ctx, "virsh", append([]string{"-q", "-c", libvirtURI}, arguments...)...)
	var problem bytes.Buffer
	command.Stderr = &problem
	out, err := command.Output()
	if err != nil {
		return nil, 0, fmt.Errorf("virsh %s: %w: %s", strings.Join(arguments, " "), err, bytes.TrimSpace(problem.Bytes()))
	}
	return out, command.ProcessState.UserTime() + command.ProcessState.SystemTime(), nil
}

// removeDomains ends and forgets every domain whose name has the prefix.
func removeDomains(ctx context.Context, prefix string) {
	names, _, _ := virsh(ctx, "list", "--all", "--name")
	for name := range strings.FieldsSeq(string(names)) {
		if strings.HasPrefix(name, prefix) {
			_, _, _ = virsh(ctx, "destroy", name)
			_, _, _ = virsh(ctx, "undefine", name) // one that was only created is gone already
		}
	}
}

func randomName() string { return strings.ToLower(rand.Text()[:6]) }
