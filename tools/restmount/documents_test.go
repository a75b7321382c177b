package restmount_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"drawbridge/bridge/convert"
	"drawbridge/tools/mcpmount"
	"drawbridge/tools/restmount"
)

func direct(...string) http.RoundTripper { return http.DefaultTransport }

// TestPublishedDocumentsBecomeTools runs over documents that are too large for the project, where somebody has
// put some: for each, what becomes a tool and a function, and why the rest does not.
func TestPublishedDocumentsBecomeTools(t *testing.T) {
	folder := os.Getenv("DRAWBRIDGE_TEST_OPENAPI")
	if folder == "" {
		t.Skip("DRAWBRIDGE_TEST_OPENAPI names no folder with documents")
	}
	files, err := filepath.Glob(folder + "/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d files, %v", folder, len(files), err)
	}
	for _, file := range files {
		if info, err := os.Stat(file); err != nil || info.IsDir() && !exists(filepath.Join(file, "openapi.yaml")) {
			continue
		} else if info.IsDir() {
			file = filepath.Join(file, "openapi.yaml")
		}
		t.Run(strings.TrimPrefix(file, folder+"/"), func(t *testing.T) {
			began := time.Now()
			api, err := restmount.New(restmount.Settings{Name: "api", Spec: file, BaseURL: os.Getenv("BASE")}, restmount.Options{Reach: direct})
			if err != nil {
				t.Fatal(err)
			}
			list, leftOut, err := api.List(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			report(t, list, leftOut, time.Since(began))
		})
	}
}

func exists(file string) bool { _, err := os.Stat(file); return err == nil }

func report(t *testing.T, list []mcpmount.SourceTool, leftOut []mcpmount.LeftOut, took time.Duration) {
	var all []convert.Tool
	bytes := 0
	for _, one := range list {
		var d struct {
			Name, Title, Description string
			InputSchema              json.RawMessage
		}
		if err := json.Unmarshal(one.JSON, &d); err != nil {
			t.Fatal(err)
		}
		bytes += len(one.JSON)
		all = append(all, convert.Tool{Name: "api__" + d.Name, Title: d.Title, Description: d.Description, Input: d.InputSchema})
	}
	reasons := map[string]int{}
	for _, left := range leftOut {
		reasons[left.Why]++
		if reasons[left.Why] == 1 {
			t.Logf("left out: %s: %s", left.Tool, left.Why)
		}
	}
	functions(t, all)
	t.Logf("%d tools, %d KiB of definitions, %d left out, read in %v", len(list), bytes>>10, len(leftOut), took)
	var counted []string
	for why := range reasons {
		counted = append(counted, why)
	}
	slices.Sort(counted)
	for _, why := range counted {
		t.Logf("  %d: %s", reasons[why], why)
	}
}

// functions counts those that models are held to, and says which tools cannot be any.
func functions(t *testing.T, all []convert.Tool) {
	strict, loose := 0, 0
	for _, one := range all {
		f, err := convert.Convert(one)
		switch {
		case err != nil:
			t.Errorf("no function: %s: %v", one.Name, err)
		case f.Strict:
			strict++
		default:
			loose++
		}
	}
	t.Logf("%d strict functions, %d that are not, %d none", strict, loose, len(all)-strict-loose)
}
