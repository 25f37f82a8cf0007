// SPDX-License-Identifier: Apache-2.0

package ssh

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt/machines"
)

// userName is what a user may be called: nothing that is an option, or that a shell would take apart.
var userName = regexp.MustCompile(`^[\pL\pN_.@\\+][\pL\pN_.@\\+-]*\$?$`)

// common is what ssh and scp have in common.
type common struct {
	flags   genericclioptions.RESTClientGetter
	streams genericiooptions.IOStreams
	// User of the guest; where it is empty, what the client takes without one.
	User string
	// IdentityFile is a private key, KnownHosts a file; where they are empty, the client's own.
	IdentityFile, KnownHosts string
	// Port of the guest.
	Port uint16
	// ClientOptions are arguments for the client.
	ClientOptions []string

	// program is this plugin, connection its flags that choose the server.
	program    string
	connection []string
	target     machines.Target
}

func (o *common) addFlags(flags *pflag.FlagSet) {
	flags.StringVarP(&o.User, "username", "l", o.User, "User of the guest; USER@TYPE/NAME is the same.")
	flags.StringVarP(&o.IdentityFile, "identity-file", "i", o.IdentityFile, "Private key; the client's own ones, or its agent's, if it is not given.")
	flags.StringVar(&o.KnownHosts, "known-hosts", o.KnownHosts, "File with the keys of known hosts; the client's own one if it is not given.")
	flags.Uint16VarP(&o.Port, "port", "p", o.Port, "Port of the guest.")
	flags.StringArrayVarP(&o.ClientOptions, "local-ssh-opts", "t", o.ClientOptions, `An argument for the client, such as "-o StrictHostKeyChecking=no". Can be repeated.`)
}

// complete takes [USER@]TYPE/NAME[/NAMESPACE] and finds what the plugin was called by.
func (o *common) complete(text string, connection *pflag.FlagSet) (err error) {
	if at := strings.LastIndex(text, "@"); at >= 0 {
		o.User, text = text[:at], text[at+1:]
		if o.User == "" {
			return errors.New("there is no user before the @")
		}
	}
	if o.target, err = machines.ParseTarget(text); err != nil {
		return err
	}
	if o.target.Namespace == "" {
		if o.target.Namespace, _, err = o.flags.ToRawKubeConfigLoader().Namespace(); err != nil {
			return err
		}
	}
	connection.VisitAll(o.keep)
	if o.program == "" {
		o.program, err = os.Executable()
	}
	return err
}

// keep has the proxy called with a connection flag that this command was called with. The target has the namespace.
func (o *common) keep(flag *pflag.Flag) {
	if !flag.Changed || flag.Name == "namespace" {
		return
	}
	values := []string{flag.Value.String()}
	if list, ok := flag.Value.(pflag.SliceValue); ok {
		values = list.GetSlice()
	}
	for _, value := range values {
		o.connection = append(o.connection, "--"+flag.Name+"="+value)
	}
}

// validate refuses what the client would take for something else.
func (o *common) validate() error {
	switch {
	case o.User != "" && !userName.MatchString(o.User):
		return fmt.Errorf("%q is no name of a user", o.User)
	case o.Port == 0:
		return errors.New("--port must be from 1 to 65535")
	case strings.ContainsAny(o.KnownHosts, "\"\n"):
		return fmt.Errorf("--known-hosts must not have quotes in it: %s", o.KnownHosts)
	default:
		return nil
	}
}

// arguments are those for the client that ssh and scp have in common.
func (o *common) arguments() []string {
	arguments := []string{"-o", "ProxyCommand=" + o.proxyCommand()}
	if o.KnownHosts != "" {
		arguments = append(arguments, "-o", `UserKnownHostsFile="`+strings.ReplaceAll(o.KnownHosts, "%", "%%")+`"`)
	}
	if o.IdentityFile != "" {
		arguments = append(arguments, "-i", o.IdentityFile)
	}
	return append(arguments, o.ClientOptions...)
}

// host is what the client calls the guest, in its file of known hosts above all.
func (o *common) host() string {
	return o.target.Kind() + "." + o.target.Name + "." + o.target.Namespace
}

// proxyCommand is what the client has a shell run for its connection, after it has replaced what begins with %.
func (o *common) proxyCommand() string {
	target := o.target.Kind() + "/" + o.target.Name + "/" + o.target.Namespace
	words := append([]string{o.program}, o.connection...)
	words = append(words, "port-forward", "--stdio", target, strconv.Itoa(int(o.Port)))
	for i, word := range words {
		words[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	return strings.ReplaceAll(strings.Join(words, " "), "%", "%%")
}
