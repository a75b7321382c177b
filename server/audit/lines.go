package audit

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// headLine is a head as a line of JSON.
type headLine struct {
	Kind      string    `json:"kind"` // audit_head
	Head      string    `json:"head"`
	At        time.Time `json:"at"`
	Count     int64     `json:"count"`
	Last      int64     `json:"last"`
	Hash      string    `json:"hash"`
	PublicKey string    `json:"public_key"`
	Signature []byte    `json:"signature"`
}

const headKind = "audit_head"

// Line is the head as one line of JSON.
func (h *Head) Line() string {
	text, _ := json.Marshal(headLine{headKind, h.Kind, time.UnixMilli(h.At).UTC(), h.Count, h.Last, hex.EncodeToString(h.Hash), h.PublicKey, h.Signature})
	return string(text)
}

func (l headLine) head() (Head, error) {
	hash, err := hex.DecodeString(l.Hash)
	return Head{Kind: l.Head, At: l.At.UnixMilli(), Count: l.Count, Last: l.Last, Hash: hash, PublicKey: l.PublicKey, Signature: l.Signature}, err
}

// ReadHeads finds the heads in a file that an export or a log has left: lines of JSON, of
// which some are heads, or have one in a member audit_head.
func ReadHeads(from io.Reader) ([]Head, error) {
	var heads []Head
	err := eachLine(from, func(line []byte) error {
		var logged struct {
			Head string `json:"audit_head"`
		}
		if json.Unmarshal(line, &logged) == nil && logged.Head != "" {
			line = []byte(logged.Head)
		}
		var l headLine
		if json.Unmarshal(line, &l) != nil || l.Kind != headKind {
			return nil
		}
		head, err := l.head()
		heads = append(heads, head)
		return err
	})
	return heads, err
}

// rowLine is a row as an export writes it.
type rowLine struct {
	Kind      string          `json:"kind"`
	ID        int64           `json:"id"`
	At        *time.Time      `json:"at"`
	Principal string          `json:"principal"`
	Door      string          `json:"door"`
	Tool      string          `json:"tool"`
	Effect    string          `json:"effect"`
	Arguments json.RawMessage `json:"arguments"`
	Text      *string         `json:"arguments_text"`
	Decision  string          `json:"decision"`
	Rule      string          `json:"rule"`
	Outcome   string          `json:"outcome"`
	Micros    int64           `json:"duration_us"`
	Run       string          `json:"run"`
	Key       string          `json:"idempotency_key"`
	Tainted   bool            `json:"tainted"`
	DryRun    bool            `json:"dry_run"`
	Approval  string          `json:"approval"`
	Policy    string          `json:"policy"`
	Prev      string          `json:"prev"`
	Hash      string          `json:"hash"`
}

func (l *rowLine) record() (*Record, error) {
	prev, err := hex.DecodeString(l.Prev)
	if err != nil {
		return nil, err
	}
	hash, err := hex.DecodeString(l.Hash)
	arguments := string(l.Arguments)
	if l.Text != nil {
		arguments = *l.Text
	}
	var at int64
	if l.At != nil {
		at = l.At.UnixMilli()
	}
	return &Record{ID: l.ID, At: at, Principal: l.Principal, Door: l.Door, Tool: l.Tool, Effect: l.Effect, Arguments: arguments,
		Decision: l.Decision, Rule: l.Rule, Outcome: l.Outcome, Micros: l.Micros, Run: l.Run, Key: l.Key, Tainted: l.Tainted, DryRun: l.DryRun,
		Approval: l.Approval, Policy: l.Policy, Prev: prev, Hash: hash}, err
}

// File is the audit in a file that `drawbridge export` wrote.
type File struct{ Path string }

// Heads gives the heads in the file.
func (f File) Heads(context.Context) (heads []Head, err error) {
	err = f.read(func(from io.Reader) error {
		heads, err = ReadHeads(from)
		return err
	})
	return heads, err
}

// Rows hands out the rows in the file, in the order of its lines.
func (f File) Rows(ctx context.Context, each func(*Record) error) error {
	return f.read(func(from io.Reader) error {
		return eachLine(from, func(line []byte) error {
			var l rowLine
			if err := json.Unmarshal(line, &l); err != nil {
				var kind struct{ Kind string }
				if json.Unmarshal(line, &kind) == nil && kind.Kind != "audit" {
					return nil
				}
				return err
			}
			if l.Kind != "audit" {
				return nil
			}
			record, err := l.record()
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return err
			}
			return each(record)
		})
	})
}

func (f File) read(do func(io.Reader) error) error {
	file, err := os.Open(f.Path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	if err := do(file); err != nil {
		return fmt.Errorf("reading %q: %w", f.Path, err)
	}
	return nil
}

// eachLine calls each with the lines that are JSON objects; of a log some may not be.
func eachLine(from io.Reader, each func([]byte) error) error {
	in := bufio.NewReader(from)
	for n := 1; ; n++ {
		line, err := in.ReadString('\n')
		if text := strings.TrimSpace(line); strings.HasPrefix(text, "{") {
			if err := each([]byte(text)); err != nil {
				return fmt.Errorf("line %d: %w", n, err)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
