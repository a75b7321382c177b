package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"drawbridge/config"
)

// smallDisk is the folder of a disk of 24 MiB that the test may fill: one of its own, if
// it may mount, or the one that DRAWBRIDGE_TEST_TMPFS names.
func smallDisk(t *testing.T) string {
	t.Helper()
	if folder := os.Getenv("DRAWBRIDGE_TEST_TMPFS"); folder != "" {
		mine, err := os.MkdirTemp(folder, "full")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(mine) })
		return mine
	}
	folder := filepath.Join(t.TempDir(), "disk")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", folder, "tmpfs", 0, "size=24m"); err != nil {
		const advice = "no disk to fill: mounting a tmpfs needs root; or name the folder of one of 16 to 64 MiB in DRAWBRIDGE_TEST_TMPFS"
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s: %v", advice, err)
		}
		t.Skipf("%s: %v", advice, err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(folder, 0); err != nil {
			t.Error(err)
		}
	})
	return folder
}

// ballast takes room on the disk until it is removed.
func ballast(t *testing.T, folder string, bytes int) (remove func()) {
	t.Helper()
	file := filepath.Join(folder, "ballast")
	if err := os.WriteFile(file, make([]byte, bytes), 0o600); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(file); err != nil {
			t.Error(err)
		}
	}
}

// TestING29_FullDiskLosesNothingAndIsRecoveredFrom fills a real disk with events, both
// up to what has to stay free and, where nothing has to, up to its last byte: senders
// are asked to come back, nothing that was acknowledged is lost, and with room again
// all goes on by itself.
func TestING29_FullDiskLosesNothingAndIsRecoveredFrom(t *testing.T) {
	for name, least := range map[string]string{
		"to what has to stay free": "min_free: 2MiB, min_free_percent: 5",
		"to the last byte":         "min_free: 0B, min_free_percent: 0",
	} {
		t.Run(name, func(t *testing.T) {
			disk := smallDisk(t)
			more := ballast(t, disk, 6<<20)
			file, path, secret := onDisk(t, disk, least)
			server := serve(t, file)
			acked := fill(t, server.base, secret)
			if len(acked) == 0 {
				t.Fatal("the disk was full before the first event")
			}
			awaitReady(t, server.base, false, func() {
				// Where nothing has to stay free, only a write finds the disk full.
				if res, err := deliverPayment(t, server.base, secret, "evt_more", 200_000); err != nil || res.StatusCode == http.StatusOK {
					t.Errorf("the full disk took an event: %v", err)
				}
			})
			more()
			awaitReady(t, server.base, true, func() {})
			for n := range 10 {
				id := fmt.Sprintf("evt_after_%d", n)
				deliverUntil(t, server.base, secret, id)
				acked = append(acked, id)
			}
			server.kill(t) // nothing is put in order
			server = serve(t, file)
			server.stop(t)
			stored := keysOf(t, look(t, path))
			for _, key := range acked {
				if stored[key] != 1 {
					t.Errorf("event %s was acknowledged and is stored %d times", key, stored[key])
				}
			}
		})
	}
}

// onDisk writes settings whose store is on the disk. No event becomes a run: what is
// looked at is the intake.
func onDisk(t *testing.T, disk, least string) (file, store, secret string) {
	t.Helper()
	secret = "whsec_test_0123456789abcdef"
	file, store = filepath.Join(t.TempDir(), "drawbridge.yaml"), filepath.Join(disk, "drawbridge.db")
	text := fmt.Sprintf(`
store: {url: "sqlite://%s", %s}
server: {listen: 127.0.0.1:0}
log: {format: json}
agents: {a: {instructions: Help.}}
webhooks:
  stripe: {scheme: stripe, secrets: [%s], when: "false", agent: a, prompt: An event.}
`, store, least, secret)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := config.Load(file, noEnvironment); err != nil {
		t.Fatal(err)
	}
	return file, store, secret
}

// fill delivers events until the server has asked ten times in a row to come back, and
// gives those that were acknowledged.
func fill(t *testing.T, base, secret string) (acked []string) {
	t.Helper()
	for n, refused := 0, 0; refused < 10; n++ {
		id := fmt.Sprintf("evt_fill_%04d", n)
		res, err := deliverPayment(t, base, secret, id, 20_000)
		if err != nil {
			t.Fatal(err)
		}
		switch res.StatusCode {
		case http.StatusOK:
			acked, refused = append(acked, id), 0
		case http.StatusServiceUnavailable:
			refused++
			if res.Header.Get("Retry-After") == "" {
				t.Fatal("a sender is asked to come back and not told when")
			}
		default:
			t.Fatalf("a full disk is answered %s", res.Status)
		}
	}
	return acked
}

// awaitReady waits until the server says that it is ready, or that it is not for want
// of room. Before each time it asks, first is called.
func awaitReady(t *testing.T, base string, want bool, first func()) {
	t.Helper()
	var said struct{ Status, Detail any }
	err := poll(t.Context(), func() (bool, error) {
		first()
		req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, base+"/readyz", nil)
		if err != nil {
			return false, err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return false, err
		}
		defer func() { _ = res.Body.Close() }()
		said.Detail = nil
		if err := json.NewDecoder(res.Body).Decode(&said); err != nil {
			return false, err
		}
		return (res.StatusCode == http.StatusOK) == want, nil
	})
	if err != nil {
		t.Fatalf("waiting for ready to be %v: %v; it says %+v", want, err, said)
	}
	if detail, _ := said.Detail.(string); !want && !strings.Contains(detail, "disk") {
		t.Errorf("/readyz does not say why: %+v", said)
	}
}
