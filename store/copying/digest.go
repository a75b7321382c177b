package copying

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"math/bits"

	"drawbridge/tools/sqldb"
)

// Digest stands for all rows of a table, in whatever order they were read: how many they
// are, and the sum of the SHA-256 of each. The sum, and not an exclusive or, so that a row
// that is there twice counts twice.
type Digest struct {
	Rows int64
	Sum  Sum
}

// Sum is a number of 256 bits, the least significant 64 first.
type Sum [4]uint64

// String is the sum in hexadecimal.
func (s Sum) String() string {
	var raw [32]byte
	for i, word := range s {
		binary.BigEndian.PutUint64(raw[8*(3-i):], word)
	}
	return hex.EncodeToString(raw[:])
}

func (s *Sum) add(digest [sha256.Size]byte) {
	var carry uint64
	for i := range s {
		s[i], carry = bits.Add64(s[i], binary.BigEndian.Uint64(digest[8*(3-i):]), carry)
	}
}

// digest reads a table and adds it up.
func digest(ctx context.Context, q sqldb.Querier, t Table, keep func(string) string) (d Digest, err error) {
	rows, err := read(ctx, q, t, keep)
	if err != nil {
		return Digest{}, err
	}
	defer rows.close()
	for rows.Next() {
		d.Rows++
		d.Sum.add(hashOf(rows.values))
	}
	if err := rows.Err(); err != nil {
		return Digest{}, err
	}
	var counted int64
	if err := q.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+Quote(t.Name)).Scan(&counted); err != nil {
		return Digest{}, fmt.Errorf("counting %s: %w", t.Name, err)
	}
	if counted != d.Rows {
		return Digest{}, fmt.Errorf("reading %s: it has %d rows, and %d were read", t.Name, counted, d.Rows)
	}
	return d, nil
}

// hashOf is of one row.
func hashOf(values []any) [sha256.Size]byte {
	one := sha256.New()
	for _, v := range values {
		encode(one, v)
	}
	return [sha256.Size]byte(one.Sum(nil))
}

// encode writes a value so that no two rows come out the same: what it is, how long, and
// its bytes.
func encode(to hash.Hash, value any) {
	var head [9]byte
	switch v := value.(type) {
	case nil:
		head[0] = 'n'
		_, _ = to.Write(head[:1])
	case int64:
		head[0] = 'i'
		binary.BigEndian.PutUint64(head[1:], uint64(v))
		_, _ = to.Write(head[:])
	case string:
		head[0] = 't'
		binary.BigEndian.PutUint64(head[1:], uint64(len(v)))
		_, _ = to.Write(head[:])
		_, _ = to.Write([]byte(v))
	case []byte:
		head[0] = 'b'
		binary.BigEndian.PutUint64(head[1:], uint64(len(v)))
		_, _ = to.Write(head[:])
		_, _ = to.Write(v)
	default:
		panic(fmt.Sprintf("copying: a value of type %T", value))
	}
}
