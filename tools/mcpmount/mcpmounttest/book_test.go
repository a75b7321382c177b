package mcpmounttest_test

import (
	"testing"

	"drawbridge/tools/mcpmount"
	"drawbridge/tools/mcpmount/mcpmounttest"
)

func TestBookInMemoryConforms(t *testing.T) {
	mcpmounttest.Run(t, func(*testing.T) mcpmount.Book { return mcpmounttest.NewBook() })
}
