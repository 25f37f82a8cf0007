// SPDX-License-Identifier: Apache-2.0

package console

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/node/streams"
)

func TestEveryKeyIsTheGuestsUntilTheEscape(t *testing.T) {
	s := newServer(t)
	user, terminal := openPTY(t)
	before := modeOf(t, terminal)
	session := s.run(t, terminal)
	guest := s.nextGuest(t)
	session.until(session.errOut, "Ctrl-] leaves it")
	assert.NotEqual(t, before, modeOf(t, terminal), "raw while the session lasts")

	_, err := user.WriteString("ls\r\x03\x04\x1a\x13")
	require.NoError(t, err)
	expect(t, guest, "ls\r\x03\x04\x1a\x13")
	_, err = guest.Write([]byte("\x1b[31mlogin: "))
	require.NoError(t, err)
	session.until(session.out, "\x1b[31mlogin: ")

	_, err = user.WriteString("bye\x1dnot sent")
	require.NoError(t, err)
	expect(t, guest, "bye")
	require.NoError(t, session.wait())
	assert.Equal(t, before, modeOf(t, terminal), "as it was")
	assert.Contains(t, session.errOut.String(), "Back to it: kubectl virt console web -n shop")
	_, err = guest.Read(make([]byte, 1))
	assert.ErrorIs(t, err, io.EOF)
}

// ended is a guest's stream that ends in a given way.
type ended struct {
	net.Conn
	err error
}

func (e ended) Read([]byte) (int, error) { return 0, e.err }

func TestTerminalIsRestoredHoweverTheSessionEnds(t *testing.T) {
	tests := map[string]struct {
		how   func(net.Conn) net.Conn
		after func(*session, net.Conn)
		want  string
		fails bool
	}{
		"guest powered off": {nil, func(_ *session, guest net.Conn) { guest.Close() }, "its guest has ended", false},
		"signal":            {nil, func(session *session, _ net.Conn) { session.cancel() }, "Left the console", false},
		"taken over": {func(conn net.Conn) net.Conn { return ended{conn, streams.ErrTakenOver} }, nil,
			"another session has taken over the console of web", true},
		"server stops": {func(conn net.Conn) net.Conn { return ended{conn, streams.ErrStopping} }, nil,
			"the server is stopping", true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.how = tc.how
			_, terminal := openPTY(t)
			before := modeOf(t, terminal)
			session := s.run(t, terminal)
			guest := s.nextGuest(t)
			session.until(session.errOut, "Ctrl-]")
			if tc.after != nil {
				tc.after(session, guest)
			}

			err := session.wait()

			assert.Equal(t, before, modeOf(t, terminal))
			told := session.errOut.String()
			if tc.fails {
				require.Error(t, err)
				told += err.Error()
			} else {
				require.NoError(t, err)
			}
			assert.Contains(t, told, tc.want)
			assert.Contains(t, told, "kubectl virt console web -n shop")
		})
	}
}

func TestEscapeWorksWhileTheGuestTakesNothing(t *testing.T) {
	s := newServer(t)
	user, terminal := openPTY(t)
	session := s.run(t, terminal)
	s.nextGuest(t)
	session.until(session.errOut, "Ctrl-]")
	go func() {
		line := []byte(strings.Repeat("x", 1023))
		for range 16 << 10 {
			if _, err := user.Write(line); err != nil {
				return
			}
		}
	}()
	session.until(session.errOut, bell)

	_, err := user.WriteString("\x1d")

	require.NoError(t, err)
	require.NoError(t, session.wait())
}

func TestPipesCarryBytesUnharmed(t *testing.T) {
	s := newServer(t)
	input, script := io.Pipe()
	session := s.run(t, input)
	guest := s.nextGuest(t)
	sent := strings.Repeat("a\x1d\x03\x00\xff", 10_000)
	go func() {
		_, _ = io.WriteString(script, sent)
	}()
	expect(t, guest, sent)
	_, err := guest.Write([]byte("\x00\xffoutput"))
	require.NoError(t, err)
	session.until(session.out, "output")
	require.NoError(t, script.Close())

	require.NoError(t, session.wait())
	assert.Equal(t, "\x00\xffoutput", session.out.String(), "nothing but the guest's")
}

func TestConsoleWaitsForTheGuest(t *testing.T) {
	tests := map[string]struct {
		refusals []refusal
		vm       *kubevirtv1.VirtualMachine
		told     string
	}{
		"phase is not Running": {[]refusal{{400, "BadRequest", "phase is Scheduled instead of Running"}}, nil, "Waiting: phase is Scheduled"},
		"no instance yet": {[]refusal{{404, "NotFound", "not found"}, {400, "BadRequest", "soon"}},
			machine(kubevirtv1.RunStrategyAlways, kubevirtv1.VirtualMachineStatusProvisioning), `Waiting: virtual machine "web" is Provisioning`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.refusals, s.vm = tc.refusals, tc.vm
			input, _ := io.Pipe()
			session := s.run(t, input)
			_, err := s.nextGuest(t).Write([]byte("login: "))
			require.NoError(t, err)
			session.until(session.out, "login: ")
			assert.Contains(t, session.errOut.String(), tc.told)
			session.cancel()
			require.NoError(t, session.wait())
		})
	}
}

func machine(strategy kubevirtv1.VirtualMachineRunStrategy, status kubevirtv1.VirtualMachinePrintableStatus) *kubevirtv1.VirtualMachine {
	return &kubevirtv1.VirtualMachine{
		Spec:   kubevirtv1.VirtualMachineSpec{RunStrategy: &strategy},
		Status: kubevirtv1.VirtualMachineStatus{PrintableStatus: status},
	}
}

func TestConsoleThatCannotOpenSaysWhatToDo(t *testing.T) {
	missing := []refusal{{404, "NotFound", "not found"}}
	tests := map[string]struct {
		refusals []refusal
		vm       *kubevirtv1.VirtualMachine
		args     []string
		want     []string
	}{
		"no machine": {missing, nil, nil, []string{`there is no virtual machine "web" in namespace "shop"`, "kubectl get vms"}},
		"halted": {missing, machine(kubevirtv1.RunStrategyHalted, kubevirtv1.VirtualMachineStatusStopped), nil,
			[]string{`virtual machine "web" is stopped`, "kubectl virt start web -n shop"}},
		"ended by itself": {missing, machine(kubevirtv1.RunStrategyManual, kubevirtv1.VirtualMachineStatusStopped), nil,
			[]string{`virtual machine "web" is stopped`}},
		"failed": {[]refusal{{409, "Conflict", "VMI is in failed status"}}, nil, nil,
			[]string{"VMI is in failed status", "kubectl describe vmi web -n shop"}},
		"forbidden": {[]refusal{{403, "Forbidden", "you may not"}}, nil, nil,
			[]string{"you may not", "kubectl auth can-i get virtualmachineinstances.subresources.kubevirt.io/web --subresource=console -n shop"}},
		"not in time": {[]refusal{{400, "BadRequest", "phase is Scheduled"}, {400, "BadRequest", "phase is Scheduled"}}, nil, []string{"--timeout", "100ms"},
			[]string{"no console within 100ms: phase is Scheduled", "kubectl describe vmi web -n shop"}},
		"senseless timeout": {nil, nil, []string{"--timeout", "0"}, []string{"--timeout must be more than 0"}},
		"no timeout at all": {nil, nil, []string{"--timeout", "soon"}, []string{"minutes"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.refusals, s.vm = tc.refusals, tc.vm
			input, _ := io.Pipe()

			err := s.run(t, input, tc.args...).wait()

			for _, want := range tc.want {
				assert.ErrorContains(t, err, want)
			}
		})
	}
}

func TestTimeoutIsMinutesOrADuration(t *testing.T) {
	for value, want := range map[string]time.Duration{"5": 5 * time.Minute, "90s": 90 * time.Second} {
		var got time.Duration
		require.NoError(t, (*minutes)(&got).Set(value))
		assert.Equal(t, want, got)
	}
}
