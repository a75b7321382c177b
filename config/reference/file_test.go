package reference

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func write(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask
		t.Fatal(err)
	}
	return path
}

// reader has the environment that it is given, and no other.
func reader(t *testing.T, env map[string]string) *Reader {
	lookup := func(name string) (string, bool) { value, ok := env[name]; return value, ok }
	return New(t.Context(), Options{Lookup: lookup, Timeout: 5 * time.Minute}) // the machine may be busy
}

func TestFileIsReadWithoutItsLastLineEnd(t *testing.T) {
	for text, want := range map[string]string{
		"secret": "secret", "secret\n": "secret", "secret\r\n": "secret", "secret\n\n": "secret\n", " s \n": " s ", "a\nb\n": "a\nb",
		strings.Repeat("x", MaxSize) + "\r\n": strings.Repeat("x", MaxSize),
	} {
		got, warning, err := reader(t, nil).Read("file", write(t, text, 0o600))
		if got != want || warning != "" || err != nil {
			t.Errorf("%.20q was read as %.20q (%d bytes), %q, %v", text, got, len(got), warning, err)
		}
	}
}

func TestFileThatCannotBeASecretIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ path, want string }{
		"missing":  {filepath.Join(t.TempDir(), "none"), "no such file"},
		"empty":    {write(t, "\n", 0o600), "it is empty"},
		"large":    {write(t, strings.Repeat("hush", MaxSize/4)+"hush", 0o600), "larger than 64 KiB"},
		"binary":   {write(t, "hush\xff", 0o600), "it is not text"},
		"null":     {write(t, "hush\x00", 0o600), "it is not text"},
		"folder":   {t.TempDir(), "no regular file"},
		"unnamed":  {"", "want the path of a file"},
		"blanks":   {" /run/x", "want the path of a file"},
		"writable": {write(t, "hush", 0o602), "everybody on this machine may write the file (mode 0602)"},
	} {
		if name == "writable" && runtime.GOOS == "windows" {
			continue
		}
		value, _, err := reader(t, nil).Read("file", c.path)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: got %v, want %q and no value", name, err, c.want)
		}
		if err != nil && name != "empty" && name != "large" && name != "binary" && name != "null" && value != "" {
			t.Errorf("%s: a value came with the error", name)
		}
	}
}

func TestFileThatEverybodyMayReadIsWarnedOf(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("its rights are not these bits")
	}
	value, warning, err := reader(t, nil).Read("file", write(t, "hush", 0o644))
	if value != "hush" || err != nil || !strings.Contains(warning, "may read the file (mode 0644); run: chmod o-r") {
		t.Errorf("got %q, %q, %v", value, warning, err)
	}
	for _, path := range []string{"/run/secrets/x", "/var/run/secrets/app/x"} {
		if warning, err := mayHold(path, 0o444); warning != "" || err != nil {
			t.Errorf("%s, as containers have it: %q, %v", path, warning, err)
		}
	}
	if warning, _ := mayHold("/run/secrets/../x", 0o444); warning == "" {
		t.Error("a way out of the folder was not seen")
	}
}

func TestReferenceIsReadOnce(t *testing.T) {
	path := write(t, "first", 0o600)
	r := reader(t, nil)
	for range 2 {
		if got, _, err := r.Read("file", path); got != "first" || err != nil {
			t.Fatalf("got %q, %v", got, err)
		}
		if err := os.WriteFile(path, []byte("second"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got, _, _ := reader(t, nil).Read("file", path); got != "second" {
		t.Errorf("another reader got %q", got)
	}
}

func TestOtherKindsAreRefused(t *testing.T) {
	r := New(context.Background(), Options{})
	if _, _, err := r.Read("http", "//x"); err == nil {
		t.Error("it was read")
	}
}
