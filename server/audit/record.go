package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
)

// Unchained is the first number of rows that have no place in the chain yet: they have it
// in the order in which they come to be seen, and get the number behind the last with it.
const Unchained = 1 << 62

// Record is a row of the audit as it is stored.
type Record struct {
	ID        int64 // its place: the rows of a chain are in the order of their numbers
	At        int64 // unix milliseconds
	Principal string
	Door      string
	Tool      string
	Effect    string
	Arguments string
	Decision  string
	Rule      string
	Outcome   string
	Micros    int64 // how long it took
	Run       string
	Key       string
	Tainted   bool
	DryRun    bool
	Approval  string
	Policy    string

	Prev []byte // the hash of the row before, or Genesis
	Hash []byte // its own; empty if it has no place yet
}

// Genesis is what the first row of all has instead of the hash of the one before.
var Genesis = make([]byte, sha256.Size)

// form begins what is hashed, so that no other thing's hash can be taken for a row's.
const form = "drawbridge audit row 1"

// Sum is the hash of the row: SHA-256 of the form, the hash of the row before, and all
// fields in the order of the struct. Each is preceded by its length in 4 bytes, big-endian;
// numbers and truths are 8 bytes.
func (r *Record) Sum() []byte {
	b := make([]byte, 0, 256+len(r.Arguments)+len(r.Rule))
	b = appendText(b, form)
	b = appendText(b, string(r.Prev))
	b = appendNumber(b, r.ID)
	sum := sha256.Sum256(r.AppendFields(b))
	return sum[:]
}

// AppendFields appends what the row says: all of it but its place in the chain, in the form
// that is hashed.
func (r *Record) AppendFields(b []byte) []byte {
	b = appendNumber(b, r.At)
	for _, text := range [...]string{r.Principal, r.Door, r.Tool, r.Effect, r.Arguments, r.Decision, r.Rule, r.Outcome} {
		b = appendText(b, text)
	}
	b = appendNumber(b, r.Micros)
	b = appendText(b, r.Run)
	b = appendText(b, r.Key)
	b = appendTruth(b, r.Tainted)
	b = appendTruth(b, r.DryRun)
	b = appendText(b, r.Approval)
	return appendText(b, r.Policy)
}

// ParseFields reads what AppendFields appended.
func ParseFields(b []byte) (Record, error) {
	var r Record
	f := fields{rest: b}
	r.At = f.number()
	for _, text := range [...]*string{&r.Principal, &r.Door, &r.Tool, &r.Effect, &r.Arguments, &r.Decision, &r.Rule, &r.Outcome} {
		*text = string(f.next())
	}
	r.Micros = f.number()
	r.Run, r.Key = string(f.next()), string(f.next())
	r.Tainted, r.DryRun = f.number() != 0, f.number() != 0
	r.Approval, r.Policy = string(f.next()), string(f.next())
	if f.broken || len(f.rest) > 0 {
		return Record{}, errors.New("no row of the audit")
	}
	return r, nil
}

// fields are fields of which each is preceded by its length. All that follow one that is cut
// off are empty.
type fields struct {
	rest   []byte
	broken bool
}

func (f *fields) next() []byte {
	if len(f.rest) < 4 || uint64(binary.BigEndian.Uint32(f.rest)) > uint64(len(f.rest)-4) {
		f.rest, f.broken = nil, true
		return nil
	}
	end := 4 + binary.BigEndian.Uint32(f.rest)
	field := f.rest[4:end]
	f.rest = f.rest[end:]
	return field
}

func (f *fields) number() int64 {
	field := f.next()
	if len(field) != 8 {
		f.broken = true
		return 0
	}
	return int64(binary.BigEndian.Uint64(field))
}

// Chain gives the row its place behind another.
func (r *Record) Chain(prev []byte) {
	r.Prev = prev
	r.Hash = r.Sum()
}

// Intact reports whether the row is as it was when it got its hash.
func (r *Record) Intact() bool { return bytes.Equal(r.Hash, r.Sum()) }

func appendText(b []byte, text string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(text))), text...)
}

func appendNumber(b []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(b, 8), uint64(n))
}

func appendTruth(b []byte, is bool) []byte {
	if is {
		return appendNumber(b, 1)
	}
	return appendNumber(b, 0)
}
