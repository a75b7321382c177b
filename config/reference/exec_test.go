package reference

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test's own binary be the commands that the tests run: there is none
// that every system has.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && strings.HasPrefix(os.Args[1], "play-") {
		play(os.Args[1], os.Args[2:])
	}
	os.Exit(m.Run())
}

func play(part string, args []string) {
	switch part {
	case "play-print":
		fmt.Print("\n  " + strings.Join(args, "|") + " \r\n")
	case "play-env":
		env := os.Environ()
		slices.Sort(env)
		fmt.Print(strings.Join(env, "\n"))
	case "play-fail":
		fmt.Print("hush-on-stdout")
		fmt.Fprint(os.Stderr, "the vault\nis \x1b[31mlocked")
		os.Exit(3)
	case "play-flood":
		for {
			if _, err := os.Stdout.WriteString(strings.Repeat("hush", 1<<10)); err != nil {
				os.Exit(1)
			}
		}
	case "play-hang":
		fmt.Print("hush")
		fmt.Fprint(os.Stderr, "password?")
		select {}
	case "play-input":
		n, err := os.Stdin.Read(make([]byte, 1))
		fmt.Print(n, err)
	}
	os.Exit(0)
}

func own(part string) string { return "'" + os.Args[0] + "' play-" + part }

func TestCommandGivesWhatItPrints(t *testing.T) {
	got, _, err := reader(t, nil).Read("exec", own("print")+` a  'b "c" $X' --d="e f"g '' \h *`)
	if want := `a|b "c" $X|--d=e fg||\h|*`; got != want || err != nil {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

func TestCommandHasAMinimalEnvironmentAndNoInput(t *testing.T) {
	t.Setenv("OPENAI_API_KEY", "hush")
	got, _, err := reader(t, map[string]string{"PATH": "/bin", "HOME": "/home/x", "VAULT_TOKEN": "hush", "OPENAI_API_KEY": "hush"}).Read("exec", own("env"))
	if got != "HOME=/home/x\nPATH=/bin" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if got, _, err := reader(t, nil).Read("exec", own("input")); got != "0 EOF" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestCommandThatFailsIsExplainedWithoutItsOutput(t *testing.T) {
	for line, want := range map[string]string{
		own("fail"):              "the command did not succeed: exit status 3; it says: the vault is [31mlocked",
		own("flood"):             "the command wrote more than 64 KiB",
		own("print") + " '":      "a ' is not closed",
		own("print"):             "it is empty",
		"":                       "want a command",
		"'' x":                   "want a command",
		"no-such-command-at-all": "want the name of a program in PATH",
	} {
		_, _, err := reader(t, map[string]string{"PATH": os.Getenv("PATH")}).Read("exec", line)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%q: got %v, want %q", line, err, want)
		}
	}
}

func TestCommandThatDoesNotEndIsEnded(t *testing.T) {
	r := New(t.Context(), Options{Lookup: func(string) (string, bool) { return "", false }, Timeout: 50 * time.Millisecond})
	_, _, err := r.Read("exec", own("hang"))
	if err == nil || !strings.Contains(err.Error(), "did not end within 50ms") || strings.Contains(err.Error(), "hush") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r = New(ctx, Options{Lookup: func(string) (string, bool) { return "", false }})
	if _, _, err := r.Read("exec", own("hang")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
