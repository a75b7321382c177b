package config

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the messages found into testdata/bad; read the diff")

// badEnv is the environment of every file in testdata/bad.
var badEnv = map[string]string{
	"API_KEY":         "0123456789abcdef0123456789abcdef",
	"API_KEY_2":       "fedcba9876543210fedcba9876543210",
	"WEBHOOK_SECRET":  "not-so-secret-secret",
	"CALLBACK_SECRET": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
	"DKIM_KEY":        dkimKey,
	"SLACK_TOKEN":     "xoxb-0123456789-hunter2",
	"EMPTY":           "",
}

// lookupIn is an environment that holds nothing else.
func lookupIn(env map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	}
}

// Each file in testdata/bad holds one mistake. Its first lines say what is to be
// reported: "# want: " and the message, without the file's name.
func TestOneMistakeIsReportedOnce(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) < 25 {
		t.Fatalf("testdata/bad has %d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			_, err := Load(file, lookupIn(badEnv))
			problems, ok := err.(Problems)
			if !ok {
				t.Fatalf("got %v, want Problems", err)
			}
			got := strings.ReplaceAll(problems.Error(), file+":", "")
			header, body, _ := strings.Cut(read(t, file), "\n")
			if *update {
				header = "# want: " + got
				write(t, file, header+"\n"+body)
			}
			if diff := cmp.Diff(strings.TrimPrefix(header, "# want: "), got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			for _, secret := range []string{"hunter2", "aHVudGVy", badEnv["WEBHOOK_SECRET"], badEnv["API_KEY"]} {
				if strings.Contains(got, secret) {
					t.Errorf("the report shows secret %s", secret)
				}
			}
		})
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
