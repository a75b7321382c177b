package mcpmount_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain is also the fake servers' entry: the test program runs itself.
func TestMain(m *testing.M) {
	if os.Getenv("FAKE") != "" {
		playServer(os.Args[1])
		return
	}
	goleak.VerifyTestMain(m)
}
