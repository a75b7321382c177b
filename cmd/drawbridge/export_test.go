package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// ING-27: credentials in headers of a delivery are stored nowhere, and no secret of the
// settings gets out by an export.
func TestING27_CredentialsAreNeverStored(t *testing.T) {
	file, path, secret := payments(t, rehearse(t, nil), "http://127.0.0.1:1/")
	server := serve(t, file)
	body := paymentEvent("evt_one")
	if status, answer := curl(t, server.base+"/webhooks/stripe", body, stripeSignature(secret, time.Now(), body), "Authorization: Bearer hunter2-authorization",
		"Cookie: session=hunter2-cookie", "Proxy-Authorization: Basic hunter2-proxy", "X-Api-Key: hunter2-key", "User-Agent: sender/1"); status != "200" {
		t.Fatalf("answered %s %s", status, answer)
	}
	forged := paymentEvent("evt_forged")
	if status, _ := curl(t, server.base+"/webhooks/stripe", forged, stripeSignature("whsec_not_the_secret_0000", time.Now(), forged), "Authorization: Bearer hunter2-refused"); status != "401" {
		t.Fatalf("a forged delivery was answered %s", status)
	}
	awaitRuns(t, look(t, path), "", 1)
	out, errs, code := command(t, "export", "-c", file)
	if code != exitDone || !strings.Contains(errs, "1 event") || !strings.Contains(errs, "1 rejection") || !strings.Contains(out, "sender/1") {
		t.Fatalf("exit %d, %s\n%.2000s", code, errs, out)
	}
	server.stop(t)
	everything := out
	for _, part := range []string{path, path + "-wal"} {
		raw, err := os.ReadFile(part)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		everything += string(raw)
	}
	for _, credential := range []string{"hunter2", secret, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", strings.TrimPrefix(stripeSignature(secret, time.Unix(1, 0), nil), "Stripe-Signature: t=1,v1=")} {
		if at := strings.Index(everything, credential); at >= 0 {
			t.Errorf("%q is stored: %.300q", credential, everything[max(0, at-100):])
		}
	}
}

func TestExportGoesToANewFileAndNoOther(t *testing.T) {
	file, _, secret := payments(t, rehearse(t, nil), "http://127.0.0.1:1/")
	server := serve(t, file)
	deliverEvent(t, server, secret, paymentEvent("evt_one"))
	out := filepath.Join(t.TempDir(), "events.jsonl")
	// Beside the serving process.
	if said, errs, code := command(t, "export", "-c", file, "--what", "events", "--source", "stripe", "--since", "1h", "--out", out); code != exitDone || said != "" || errs != "exported by kind: 1 event\n" {
		t.Fatalf("exit %d, %q %q", code, said, errs)
	}
	raw, err := os.ReadFile(out)
	var line struct{ Kind, Body string }
	if err != nil || json.Unmarshal(raw, &line) != nil || line.Kind != "event" || line.Body != string(paymentEvent("evt_one")) {
		t.Errorf("the file has %s (%v)", raw, err)
	}
	if info, err := os.Stat(out); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v (%v), want it readable by its owner only", info.Mode(), err)
	}
	for _, wrong := range [][]string{{"--out", out}, {"--what", "secrets"}, {"--since", "soon"}} {
		if _, errs, code := command(t, append([]string{"export", "-c", file}, wrong...)...); code != exitWrong {
			t.Errorf("export %v: exit %d, %s", wrong, code, errs)
		}
	}
	if now, err := os.ReadFile(out); err != nil || string(now) != string(raw) {
		t.Errorf("a second export changed the file: %v", err)
	}
	if _, errs, code := command(t, "export", "-c", file, "--source", "nobody"); code != exitDone || errs != "nothing to export\n" {
		t.Errorf("exit %d, %q", code, errs)
	}
	server.stop(t)
}
