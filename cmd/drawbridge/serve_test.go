package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"drawbridge/server/dispatch"
	"drawbridge/store/state"
)

// curl posts with the real curl, the way a person tries out a webhook.
func curl(t *testing.T, url string, body []byte, headers ...string) (status, answer string) {
	t.Helper()
	path, err := exec.LookPath("curl")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("curl is not installed; .ci/run installs it")
		}
		t.Skip("SKIPPED: curl is not installed")
	}
	file := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(file, body, 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"-s", "-S", "-w", "\n%{http_code}", "--data-binary", "@" + file, "-H", "Expect:"}
	for _, header := range headers {
		args = append(args, "-H", header)
	}
	out, err := exec.CommandContext(t.Context(), path, append(args, url)...).CombinedOutput()
	if err != nil {
		t.Fatalf("curl: %v: %s", err, out)
	}
	at := bytes.LastIndexByte(out, '\n')
	return string(out[at+1:]), string(out[:at])
}

// stripeSignature computes the header with nothing of ours, as the vendor documents it.
func stripeSignature(secret string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%d.%s", at.Unix(), body)
	return fmt.Sprintf("Stripe-Signature: t=%d,v1=%s", at.Unix(), hex.EncodeToString(mac.Sum(nil)))
}

func paymentEvent(id string) []byte {
	return fmt.Appendf(nil, `{"id":%q,"type":"payment_intent.succeeded","data":{"object":{"id":"pi_demo_1001","customer":"cus_demo_ada"}}}`, id)
}

// TestStripeEventSentTwiceMakesOneRun walks the doors of a real server with a real
// client: a duplicate, a wrong signature, a body that is too big.
func TestStripeEventSentTwiceMakesOneRun(t *testing.T) {
	arrived := make(chan struct{}, 8)
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived <- struct{}{} }))
	t.Cleanup(receiver.Close)
	file, path, secret := payments(t, rehearse(t, nil), receiver.URL)
	server := serve(t, file)
	url := server.base + "/webhooks/stripe"
	store := look(t, path)

	body := paymentEvent("evt_twice")
	var ids []string
	for i, at := range []time.Time{time.Now(), time.Now().Add(time.Second)} { // a resend is signed anew
		status, answer := curl(t, url, body, stripeSignature(secret, at, body))
		var receipt struct {
			ID        string
			Duplicate bool
		}
		if err := json.Unmarshal([]byte(answer), &receipt); err != nil || status != "200" || receipt.Duplicate != (i == 1) {
			t.Fatalf("delivery %d was answered %s %s (%v)", i+1, status, answer, err)
		}
		ids = append(ids, receipt.ID)
	}
	if ids[0] != ids[1] {
		t.Errorf("the duplicate was told %s, the first %s", ids[1], ids[0])
	}
	<-arrived
	if runs, err := store.Runs(t.Context(), "", 10); err != nil || len(runs) != 1 || runs[0].Event != ids[0] || runs[0].State != dispatch.Succeeded {
		t.Errorf("runs: %+v (%v), want one that succeeded", runs, err)
	}

	forged := paymentEvent("evt_forged")
	if status, answer := curl(t, url, forged, stripeSignature("whsec_not_the_secret_0000", time.Now(), forged)); status != "401" {
		t.Errorf("a wrong signature was answered %s %s", status, answer)
	}
	big := bytes.Repeat([]byte("x"), 12<<20)
	if status, answer := curl(t, url, big, stripeSignature(secret, time.Now(), big)); status != "413" {
		t.Errorf("12 MiB were answered %s %s", status, answer)
	}
	if status, _ := curl(t, server.base+"/webhooks/nobody", forged); status != "404" {
		t.Errorf("an unknown source was answered %s", status)
	}
	events, err := store.Events(t.Context(), 10)
	if err != nil || len(events) != 1 || events[0].Duplicates != 1 {
		t.Errorf("events: %d (%v), want the one that was signed, with one duplicate", len(events), err)
	}
	rejections, err := store.Rejections(t.Context(), "stripe", 10)
	if err != nil || len(rejections) != 2 || rejections[1].Status != 401 || rejections[0].Status != 413 {
		t.Fatalf("rejections: %+v (%v), want the 401 and the 413", rejections, err)
	}
	for _, r := range rejections {
		if r.Reason == "" || len(r.Excerpt) > 4<<10 || strings.Contains(r.Reason, secret) {
			t.Errorf("rejection: %+v", r)
		}
	}
	server.stop(t)
}

func TestSecondServerOnOneStoreIsRefused(t *testing.T) {
	file, _, _ := payments(t, "http://127.0.0.1:1/v1", "http://127.0.0.1:1/")
	server := serve(t, file)
	var stderr bytes.Buffer
	code := execute(t.Context(), &console{in: strings.NewReader(""), out: &bytes.Buffer{}, err: &stderr, lookup: noEnvironment}, []string{"serve", "-c", file})
	want := fmt.Sprintf("process %d already serves", server.cmd.Process.Pid)
	if code != exitFailed || !strings.Contains(stderr.String(), want) {
		t.Errorf("exit %d, %q; want %d and %q", code, stderr.String(), exitFailed, want)
	}
	server.stop(t)
}

func noEnvironment(string) (string, bool) { return "", false }

// TestRunIsHandedToTheServerBesideIt: `run` beside a serving process leaves the
// work to it, and so does `events replay`.
func TestRunIsHandedToTheServerBesideIt(t *testing.T) {
	file, path, secret := payments(t, rehearse(t, nil), "http://127.0.0.1:1/")
	server := serve(t, file)
	var out, stderr bytes.Buffer
	code := execute(t.Context(), &console{in: strings.NewReader(""), out: &out, err: &stderr, lookup: noEnvironment},
		[]string{"run", "-c", file, "who is ada@example.com?"})
	if code != exitDone || !strings.Contains(out.String(), "Ada Lindqvist") {
		t.Fatalf("exit %d: %s %s", code, out.String(), stderr.String())
	}

	body := paymentEvent("evt_replayed")
	if status, answer := curl(t, server.base+"/webhooks/stripe", body, stripeSignature(secret, time.Now(), body)); status != "200" {
		t.Fatalf("answered %s %s", status, answer)
	}
	store := look(t, path)
	event := awaitRuns(t, store, "", 2)[0].Event
	if code := execute(t.Context(), &console{in: strings.NewReader(""), out: &out, err: &stderr, lookup: noEnvironment},
		[]string{"events", "replay", "-c", file, event}); code != exitDone {
		t.Fatalf("exit %d: %s", code, stderr.String())
	}
	runs := awaitRuns(t, store, event, 2)
	if runs[0].Replay != 1 || runs[1].Replay != 0 || runs[0].ID == runs[1].ID {
		t.Errorf("the replay made %+v", runs)
	}
	server.stop(t)
}

// awaitRuns waits until an event (or all, for "") has so many runs that have ended.
func awaitRuns(t *testing.T, store *state.Store, event string, n int) []dispatch.Run {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var runs []dispatch.Run
	err := poll(ctx, func() (bool, error) {
		var err error
		runs, err = store.Runs(ctx, event, 100)
		for _, run := range runs {
			if !run.State.Ended() {
				return false, err
			}
		}
		return len(runs) == n, err
	})
	if err != nil {
		t.Fatalf("waiting for %d runs to end: %v; there are %+v", n, err, runs)
	}
	return runs
}
